#!/bin/sh
# Deploys an image, and announces its functions when all pods run it:
#
#   deploy/kubernetes/rollout.sh registry.example.com/reports:1.2.3
#
# To go back, run it with the former image.
set -eu
image=${1:?the image is missing}
dir=$(dirname "$0")
manifest=$(mktemp)
trap 'rm -f "$manifest"' EXIT

# with_image prints manifests with the image.
with_image() { sed "s|image: registry.example.com/reports:0.0.0|image: $image|" "$@"; }

for file in "$dir"/app/*.yaml; do
  echo ---
  with_image "$file"
done > "$manifest"
kubectl apply --filename "$manifest"

# If the new pods do not become ready, the old ones go on, and the functions that the server
# knows remain theirs.
kubectl rollout status --namespace reports deployment/reports --timeout 15m

# Old pods that end may get calls as long as the pause of their preStop takes, and do not know
# new functions.
sleep 12

job=$(with_image "$dir/sync.yaml" | kubectl create --output name --filename -)
kubectl wait --namespace reports --for condition=complete "$job" --timeout 5m
