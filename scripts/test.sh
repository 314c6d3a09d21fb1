#!/usr/bin/env bash
# usage: bash scripts/test.sh DATASET TASK [options of gopro test]
# Measures again what scripts/train.sh trained.
set -euo pipefail
dataset=${1:?usage: test.sh DATASET TASK [options]} task=${2:?usage: test.sh DATASET TASK [options]}
shift 2
for seed in ${SEEDS:-1 2 3 4 5}; do
  gopro test "runs/$dataset-$task/seed$seed" "$@"
done
