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

# The training has this as its parent. It ends when its input does: with this script, or with the connection.
watch='
cd '"$folder"' || exit
python3 train.py '"$arguments"' 3<&0 </dev/null &
training=$!
(cat <&3; kill "$training") 3<&0 >/dev/null 2>&1 &
watching=$!
wait "$training"
status=$?
kill "$watching" 2>/dev/null
exit "$status"'
mkfifo open && exec 3<>open && rm open
ssh -o BatchMode=yes "$host" "$watch" <&3 || exit

ssh -o BatchMode=yes "$host" "tar -C $folder -cf - . && rm -rf $folder" | tar -xf -
