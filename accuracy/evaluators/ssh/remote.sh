#!/bin/sh
# Train on another computer, and bring the folder back: sh remote.sh HOST OPTIONS OF train.py
host=$1
shift
arguments=
for a in "$@"; do
    arguments="$arguments '$(printf %s "$a" | sed "s/'/'\\\\''/g")'"
done
folder=".cache/nas/trials/$(basename "$PWD")"

tar -cf - . | ssh -o BatchMode=yes "$host" "rm -rf $folder; mkdir -p $folder && tar -C $folder -xf -" || exit

# On the other side a watcher ends the training when its input ends: with this script, or with the connection.
remote="cd $folder || exit
exec 3<&0
python3 train.py $arguments </dev/null 3<&- &
training=\$!
{ cat <&3; kill \$training; } >/dev/null 2>&1 &
watcher=\$!
wait \$training
status=\$?
kill \$watcher
exit \$status"
rm -f open && mkfifo open && exec 3<>open && rm open
ssh -o BatchMode=yes "$host" "$remote" <&3 || exit

ssh -o BatchMode=yes "$host" "tar -C $folder -cf - . && rm -rf $folder" | tar -xf -
