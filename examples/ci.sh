#!/bin/sh
# bexsync as a job of a CI: check the configuration, push invoices, poll payments.
#
# What the CI has to provide:
#   BEXSYNC_ACCESS_TOKEN  a personal access token, from the CI's secrets
#   BEXSYNC_PROFILE       the profile, as in shop/profile.toml
#   BEXSYNC_STATE_DIR     a folder that is kept from job to job, as a volume or a cache
#   ARTEFACTS             a folder that is kept with the job (default: artefacts)
#   PARTIAL_EXIT_CODE     how the job ends where some records failed (default: 0, with warnings)
# Let only one such job run at a time; a second one is told to try later.

set -eu

# Every job runs on another machine, and the state would refuse to serve two: they all answer to one name.
export BEXSYNC_HOST="${BEXSYNC_HOST:-ci}"
artefacts="${ARTEFACTS:-artefacts}"
end=0

warn() {
  printf 'WARNING: %s\n' "$*" >&2
}

# The sentences of a result: its errors, or the open errors that `errors list` has found.
sentences() {
  if command -v jq >/dev/null; then
    jq -r '(.data.errors // .errors)[] | [.shop_id, .message, .hint] | map(select(. != "")) | join(" ")' "$1"
  elif command -v python3 >/dev/null; then
    python3 -c '
import json, sys
result = json.load(open(sys.argv[1], encoding="utf-8"))
for error in result["data"].get("errors", result["errors"]):
    print(*filter(None, (error["shop_id"], error["message"], error["hint"])))
' "$1"
  else
    cat "$1"
  fi
}

# What is open after a run in which some records failed; the others are done.
show_open_errors() {
  bexsync errors list --json >"$artefacts/errors.json"
  sentences "$artefacts/errors.json" | while IFS= read -r line; do
    warn "$line"
  done
}

# run NAME COMMAND...: runs bexsync and keeps its result as NAME.json; only what wants a person ends the job.
run() {
  result="$artefacts/$1.json"
  shift
  code=0
  bexsync "$@" --json >"$result" || code=$?
  case $code in
    0)
      echo "$*: done"
      ;;
    1)
      warn "$*: some records failed, the others are done."
      show_open_errors
      end="${PARTIAL_EXIT_CODE:-0}"
      ;;
    75)
      echo "$*: put off; the next job goes on from here. $(sentences "$result")"
      ;;
    77)
      echo "$*: the token is missing or no longer good; renew the secret BEXSYNC_ACCESS_TOKEN. $(sentences "$result")" >&2
      exit "$code"
      ;;
    78)
      echo "$*: a person must correct this first. $(sentences "$result")" >&2
      exit "$code"
      ;;
    *)
      echo "$*: ended with $code. $(sentences "$result")" >&2
      exit "$code"
      ;;
  esac
}

mkdir -p "$artefacts"
run config-check config check
run invoices-push invoices push
run payments-poll payments poll
exit "$end"
