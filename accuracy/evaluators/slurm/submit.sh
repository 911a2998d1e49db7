#!/bin/sh
# Train in a Slurm job, and print what it prints: sh submit.sh OPTIONS OF train.py
log=slurm.out
rm -f "$log" job.id

cat >job.sh <<'END'
#!/bin/sh
exec python3 train.py "$@"
END

sbatch --wait --parsable --job-name=nas --output="$log" --gres=gpu:1 --cpus-per-task=4 --mem=16G --time=12:00:00 \
    --requeue job.sh "$@" >job.id &
waiting=$!
# nas ends this script when the time is over or the search is stopped: the job must end, too.
trap 'scancel "$(cut -d ";" -f 1 job.id)"; exit 143' TERM INT

wait "$waiting"
status=$?
cat "$log"
exit "$status"
