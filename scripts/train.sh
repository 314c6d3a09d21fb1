#!/usr/bin/env bash
# usage: bash scripts/train.sh DATASET TASK [options of gopro train]
# The settings of the published comparison: ViT-B/16 with OpenAI's weights, 16 shots, seeds 1 to 5.
# The same command continues: finished runs are skipped, a stopped one goes on.
# SEEDS="1 2 3" changes the seeds; --backbone NAME in the options replaces ViT-B/16, as in
#   bash scripts/train.sh caltech101 basenew --backbone mini
set -euo pipefail
usage="usage: train.sh DATASET TASK [options]"
dataset=${1:?$usage} task=${2:?$usage}
shift 2
backbone=(--backbone ViT-B-16 --pretrained openai)
case " $*" in *" --backbone"*) backbone=() ;; esac
runs="runs/$dataset-$task"
mkdir -p "$runs"
if [ -e "$runs/options" ] && [ "$(cat "$runs/options")" != "$*" ]; then
  echo "$runs was begun with the options '$(cat "$runs/options")'; use these, or move it away" >&2
  exit 2
fi
echo "$*" > "$runs/options"
for seed in ${SEEDS:-1 2 3 4 5}; do
  out="$runs/seed$seed"
  if [ -e "$out/done" ]; then
    echo "$out was finished before; remove it to train again"
    continue
  fi
  gopro train "$dataset" "$task" --method gopro "${backbone[@]}" --shots 16 --seed "$seed" \
    --resume --out "$out" "$@"
done
gopro results "$runs"
