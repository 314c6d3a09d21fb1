#!/usr/bin/env bash
# usage: bash scripts/test.sh DATASET TASK [options of gopro test]
# Tests the runs of scripts/train.sh again. SEEDS="1 2 3" changes the seeds.
set -euo pipefail
usage="usage: test.sh DATASET TASK [options]"
dataset=${1:?$usage} task=${2:?$usage}
shift 2
for seed in ${SEEDS:-1 2 3 4 5}; do
  gopro test "runs/$dataset-$task/seed$seed" "$@"
done
