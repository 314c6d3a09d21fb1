#!/usr/bin/env bash
# usage: bash scripts/train.sh DATASET TASK [options of gopro train]
# The published comparison's settings: ViT-B/16, OpenAI's weights, 16 shots, seeds 1 to 5.
# SEEDS="1 2 3" changes the seeds; further options go to gopro train, as in
#   bash scripts/train.sh caltech101 basenew --backbone mini --pretrained null
set -euo pipefail
dataset=${1:?usage: train.sh DATASET TASK [options]} task=${2:?usage: train.sh DATASET TASK [options]}
shift 2
for seed in ${SEEDS:-1 2 3 4 5}; do
  gopro train "$dataset" "$task" --method gopro --backbone ViT-B-16 --pretrained openai \
    --shots 16 --seed "$seed" --out "runs/$dataset-$task/seed$seed" "$@"
done
