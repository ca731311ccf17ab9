#!/usr/bin/env bash
# A long run: every target in turn, round after round, and a table of the results at the end. A finding stops it with
# exit code 1; its input is in fuzz/artifacts.
#
#   fuzz/long.sh ROUNDS SECONDS     SECONDS for each target in each round
#
# Four rounds of five use short inputs and record edges only, for the highest rate; the fifth uses long ones and counts
# how often each edge is passed.
set -euo pipefail
cd "$(dirname "$0")"
rounds=${1:?rounds} seconds=${2:?seconds}
cargo run --quiet --manifest-path ../Cargo.toml -p testkit --bin fuzz-seeds
export RUSTC_BOOTSTRAP=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
cargo fuzz build -O --no-trace-compares --sanitizer none
host=$(rustc -vV | sed -n 's/^host: //p')
table=$(mktemp) log=$(mktemp)
trap 'rm -f "$table" "$log"' EXIT
targets=$(cargo fuzz list)
for round in $(seq "$rounds"); do
  for target in $targets; do
    how=(-max_len=128 -use_counters=0)
    if [ $((round % 5)) = 0 ]; then how=(-max_len=4096); fi
    mkdir -p "corpus/$target" "artifacts/$target"
    if ! "target/$host/release/$target" "corpus/$target" "${how[@]}" -max_total_time="$seconds" -entropic=0 \
      -rss_limit_mb=512 -timeout=10 -artifact_prefix="artifacts/$target/" >"$log" 2>&1; then
      tail -n 40 "$log"
      exit 1
    fi
    runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log")
    edges=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -d ' ' -f 2)
    of=$(sed -n 's/.*(\([0-9]*\) inline 8-bit counters).*/\1/p' "$log")
    memory=$(grep -o 'rss: [0-9]*' "$log" | tail -n 1 | cut -d ' ' -f 2)
    echo "$target $runs $edges $of $memory" | tee -a "$table"
  done
done
echo
echo "| target | executions | edges seen | of | peak MiB |"
echo "|---|---:|---:|---:|---:|"
awk '{ runs[$1] += $2; all += $2; if ($3 > edges[$1]) edges[$1] = $3; of[$1] = $4; if ($5 > memory[$1]) memory[$1] = $5 }
  END { for (t in runs) printf "| %s | %d | %d | %d | %d |\n", t, runs[t], edges[t], of[t], memory[t] | "sort"
        close("sort"); printf "| **all** | **%d** | | | |\n", all }' "$table"
