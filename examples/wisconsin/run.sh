#!/usr/bin/env bash
# The whole example: examples/wisconsin/run.sh [FOLDER]. FOLDER becomes the pipeline's; figures are copied beside this file.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
folder="${1:-wisconsin}"
table="$(mktemp -d)/wisconsin.csv"
python "$here/write_table.py" "$table"
radprompt table "$table" --label diagnosis --id mass --site hospital --out "$folder" --repeats 2 \
    --models logistic_regression,normal_scores_logistic,svm,random_forest,majority,pooled_logistic,source_logit,source_logistic \
    --task "Classify benign or malignant of this breast mass based on given standardized features of its cell nuclei."
mkdir -p "$here/results"
cp "$folder"/metrics/{table.json,summary.json,comparison.csv} "$folder"/{params,settings}.yaml "$here/results/"
python "$here/write_readme.py"
