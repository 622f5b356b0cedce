#!/usr/bin/env bash
# A small Slurm cluster on this machine, for tests: two nodes of four cores each, one with two GPUs that do not exist.
#
#   cluster.sh install       Debian's packages, where they are missing; needs root
#   cluster.sh up FOLDER     configuration, keys, logs and state in FOLDER; starts munge, the controller and the nodes
#   cluster.sh lose FOLDER   ends the node with the GPUs and every process of its jobs, as a power cut does
#   cluster.sh regain FOLDER starts that node again
#   cluster.sh down FOLDER   ends what `up` started, and nothing else
#
# Outside FOLDER there are two links, /etc/slurm/slurm.conf and gres.conf: commands that jobs call look there. Where
# either is a file of its own, this machine belongs to a cluster already and nothing is touched.
set -euo pipefail

PORT=${LANDBRIDGE_SLURM_PORT:-17100}
LINKS=(slurm.conf gres.conf)

fail() { echo "cluster.sh: $*" >&2; exit 1; }

install_packages() {
  for command in sbatch slurmctld slurmd munged; do command -v "$command" > /dev/null || missing=1; done
  [ -n "${missing:-}" ] || return 0
  [ "$(id -u)" = 0 ] || fail "Slurm is missing, and installing it needs root"
  command -v apt-get > /dev/null || fail "Slurm is missing, and there is no apt-get to install it"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends slurm-wlm munge > /dev/null
}

configure() {
  local host; host=$(hostname -s)
  mkdir -p "$1"/{log,run,state}
  mkdir -p -m 700 "$1/keys"
  [ -s "$1/keys/munge" ] || (umask 077; head -c 128 /dev/urandom > "$1/keys/munge")
  # Slurm gives GPUs out by device file, one for each. These lead to /dev/null.
  for gpu in 0 1; do [ -e "$1/run/gpu$gpu" ] || mknod "$1/run/gpu$gpu" c 1 3; done
  echo "NodeName=gpu1 Name=gpu File=$1/run/gpu[0-1]" > "$1/gres.conf"
  cat > "$1/slurm.conf" << CONF
ClusterName=landbridge
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$PORT
SlurmUser=root
SlurmdUser=root
AuthInfo=socket=$1/run/munge.sock
StateSaveLocation=$1/state
SlurmdSpoolDir=$1/state/%n
SlurmctldPidFile=$1/run/slurmctld.pid
SlurmdPidFile=$1/run/slurmd-%n.pid
SlurmctldLogFile=$1/log/slurmctld.log
SlurmdLogFile=$1/log/slurmd-%n.log
# Neither systemd nor control groups are needed: cores and memory are booked, not enforced.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,bf_interval=2
# A job that must end is killed so many seconds after SIGTERM; sites have 30 or more.
KillWait=8
# A node that says nothing for so long is lost.
SlurmdTimeout=10
ReturnToService=2
# As many cores and as much memory as stand here, whatever the machine has.
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=cpu1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((PORT + 1)) CPUs=4 RealMemory=64000
NodeName=gpu1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((PORT + 2)) CPUs=4 RealMemory=64000 Gres=gpu:2
PartitionName=cpu Nodes=cpu1 Default=YES MaxTime=24:00:00
PartitionName=gpu Nodes=gpu1 MaxTime=24:00:00
CONF
}

wait_until() { # SECONDS COMMAND...
  local seconds=$1; shift
  for _ in $(seq $((seconds * 5))); do timeout 5 "$@" > /dev/null 2>&1 && return 0; sleep 0.2; done
  fail "waited $seconds s in vain for: $*"
}

IDLE='[ "$(sinfo --noheader --Node --states=idle --format=%N | sort -u | wc -l)" = 2 ]'

up() {
  [ "$(id -u)" = 0 ] || fail "starting Slurm needs root"
  for name in "${LINKS[@]}"; do
    [ ! -e "/etc/slurm/$name" ] || [ -L "/etc/slurm/$name" ] || fail "/etc/slurm/$name is a file: this machine has a Slurm"
  done
  ! timeout 5 scontrol ping > /dev/null 2>&1 || fail "a Slurm runs on this machine already; end it first"
  configure "$1"
  mkdir -p /etc/slurm
  for name in "${LINKS[@]}"; do ln -sfn "$1/$name" "/etc/slurm/$name"; done
  munged --force --key-file="$1/keys/munge" --socket="$1/run/munge.sock" --pid-file="$1/run/munged.pid" \
    --log-file="$1/log/munged.log" --seed-file="$1/keys/seed" 2> "$1/log/munged.start"
  wait_until 10 munge --socket="$1/run/munge.sock" --no-input
  slurmctld
  wait_until 20 scontrol ping
  for node in cpu1 gpu1; do slurmd -N "$node"; done
  wait_until 30 bash -c "$IDLE"
}

# Ends the process whose number a file holds, if it still is the program that wrote it.
end() { # FILE PROGRAM SIGNAL
  [ -s "$1" ] || return 0
  local process; process=$(cat "$1")
  [ "$(cat "/proc/$process/comm" 2> /dev/null)" = "$2" ] || return 0
  kill "-$3" "$process"
  for _ in $(seq 100); do [ -d "/proc/$process" ] || return 0; sleep 0.1; done
}

lose() {
  end "$1/run/slurmd-gpu1.pid" slurmd KILL
  # Processes of its jobs, and the step daemons that watch over them.
  local entry parent lost=()
  for entry in /proc/[0-9]*; do
    tr '\0' '\n' 2> /dev/null < "$entry/environ" | grep -qx SLURMD_NODENAME=gpu1 || continue
    lost+=("${entry#/proc/}")
    parent=$(cut -d ' ' -f 4 "$entry/stat" 2> /dev/null || echo 0)
    [ "$(cat "/proc/$parent/comm" 2> /dev/null)" != slurmstepd ] || lost=("$parent" "${lost[@]}")
  done
  kill -KILL "${lost[@]}" 2> /dev/null || true
}

down() {
  end "$1/run/slurmd-gpu1.pid" slurmd TERM
  end "$1/run/slurmd-cpu1.pid" slurmd TERM
  end "$1/run/slurmctld.pid" slurmctld TERM
  end "$1/run/munged.pid" munged TERM
  for name in "${LINKS[@]}"; do
    [ "$(readlink "/etc/slurm/$name" 2> /dev/null)" != "$1/$name" ] || rm "/etc/slurm/$name"
  done
}

case "${1:-}" in
  install) install_packages ;;
  up | lose | down) "$1" "$(realpath -m "${2:?which folder?}")" ;;
  regain) slurmd -N gpu1 ;;
  *) sed -n '2,12p' "$0" >&2; exit 2 ;;
esac
