module nas

go 1.26
