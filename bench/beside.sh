# shellcheck shell=bash
# What bench/nginx and bench/nginx-tls share: the programs, an nginx, a bunsen, turns of both under wrk.
# Sourced with `set -euo pipefail`, in the project's root, which `root` names.
# BUNSEN_PROGRAMS names the folder of built programs; without it they are built by BUNSEN_BUILD_PROFILE
# (release). ROUNDS and SECONDS_EACH say how long it takes. BENCH_ROWS: a file that gets the figures
# which have a target, for bench/table.

# shellcheck disable=SC2034 # for who sources this
rounds=${ROUNDS:-5} seconds=${SECONDS_EACH:-2}
programs=${BUNSEN_PROGRAMS:-}
if [ -z "$programs" ]; then
  profile=${BUNSEN_BUILD_PROFILE:-release}
  cargo build --locked -q --profile "$profile" -p bunsen
  programs=$(cargo metadata --locked --no-deps --format-version 1 |
    sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
  [ "$profile" = dev ] && programs=$programs/debug || programs=$programs/$profile
fi

work=$(mktemp -d)
# Others than root read here, too: workers of nginx, and Postgres.
chmod 755 "$work"
started=()
clean() {
  for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT

free_port() {
  local port
  while port=$((20000 + RANDOM % 20000)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

# What the upstream serves: a record of 300 bytes, a list of 100 records under a root key (37 KB), and
# one of the same size whose records hold what the definition moves.
record() { # number, bytes
  local head="{\"id\":$1,\"name\":\"Person $1\",\"owner_id\":7,\"add_time\":\"2026-01-02T03:04:05Z\",\"is_deleted\":false,\"notes\":\""
  printf '%s%s"}' "$head" "$(head -c $(($2 - ${#head} - 2)) /dev/zero | tr '\0' x)"
}
moved() { # number
  local each="\"label\":\"work\",\"primary\":true},{\"value\":\"other.person.$1"
  local more
  more=$(head -c 73 /dev/zero | tr '\0' x)
  printf '{"id":%d,"emails":[{"value":"person.%d@work.example",%s@home.example","label":"home","primary":false}],"phones":[{"value":"+1 555 0100 %03d",%s +1 555 0101","label":"home","primary":false}],"notes":"%s"}' \
    "$1" "$1" "$each" "$1" "$each" "$more"
}
small() {
  printf '{"success":true,"data":'
  record 1 263
  printf ',"additional":"xx"}'
}
list() { # what makes a record of a number, and more
  local number
  printf '{"success":true,"data":['
  for number in $(seq 100); do
    [ "$number" = 1 ] || printf ','
    "$1" "$number" "${@:2}"
  done
  printf '],"additional_data":{"next_cursor":null}}'
}

run_nginx() { # name, what http holds
  cat >"$work/$1.conf" <<CONF
daemon off;
worker_processes auto;
worker_rlimit_nofile $(ulimit -n);
pid $work/$1.pid;
error_log stderr error;
events { worker_connections $(($(ulimit -n) - 100)); }
http {
  access_log off;
  tcp_nodelay on;
  keepalive_requests 1000000;
  client_body_temp_path $work/$1.body;
  proxy_temp_path $work/$1.proxied;
  fastcgi_temp_path $work/$1.fastcgi;
  uwsgi_temp_path $work/$1.uwsgi;
  scgi_temp_path $work/$1.scgi;
  default_type application/json;
  $2
}
CONF
  nginx -c "$work/$1.conf" -p "$work" &
  started+=($!)
}

# Sets `server` and `server_pid`; arguments are the server's.
run_bunsen() {
  "$programs/bunsen" serve --data-dir "$work/data" --listen 127.0.0.1:0 --log warn \
    --elements "${root:?}/bench/elements" --vendor-budgets false "$@" >"$work/out" 2>"$work/log" &
  server_pid=$!
  started+=("$server_pid")
  for _ in $(seq 600); do
    server=$(sed -n 's/^bunsen listening on //p' "$work/out")
    [ -n "$server" ] && break
    sleep 0.1
  done
  [ -n "${server:-}" ] || { cat "$work/log" >&2; exit 1; }
}

# Processor time of a process and everything beneath it, in clock ticks, of what has ended too.
ticks() {
  ps -e -o pid=,ppid= | awk -v root="$1" '{ parent[$1] = $2 }
    END { for (pid in parent) { p = pid; while (p in parent && p != root) p = parent[p]; if (p == root) print pid } }' |
    while read -r pid; do
      # The name in parentheses may hold spaces.
      sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | awk '{ print $12 + $13 + $14 + $15 }' || true
    done | awk '{ sum += $1 } END { print sum + 0 }'
}
per_second=$(getconf CLK_TCK)

# Requests/s, median and p99 in ms, processor µs per request, and how many requests, of one run.
one() { # process, clients, and what else wrk is told
  local pid=$1 clients=$2 before
  before=$(ticks "$pid")
  wrk -t1 -c"$clients" -d"${seconds}s" --latency "${@:3}" >"$work/wrk"
  awk -v ticks="$(($(ticks "$pid") - before))" -v per="$per_second" '
    function ms(text, number) { number = text + 0; return text ~ /us$/ ? number / 1000 : text ~ /ms$/ ? number : number * 1000 }
    $1 == "50%" { half = ms($2) }
    $1 == "99%" { most = ms($2) }
    /requests in/ { requests = $1 }
    /Non-2xx/ { failed = 1 }
    /Requests\/sec/ { rate = $2 }
    END {
      if (failed || !requests) { print "not every answer was a success" > "/dev/stderr"; exit 1 }
      print rate, half, most, ticks / per * 1000000 / requests, requests
    }' "$work/wrk"
}
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
medians() { # name of a side
  local column
  for column in 1 2 3 4; do cut -d' ' -f"$column" "$work/$1.runs" | median; done | paste -sd' '
}

# Shows medians of both sides, and puts those that have a target into BENCH_ROWS.
show() { # what, clients, least share of requests/s or -, goals beside it or -, what else is to be said
  awk -v what="$1" -v clients="$2" -v least="$3" -v goals="$4" -v said="${5:-}" -v rows="${BENCH_ROWS:-/dev/null}" \
    -v nginx="$(medians nginx)" -v bunsen="$(medians bunsen)" '
    function row(name, beside, measured, target, reached) {
      printf "%s\t%s\t%s\t%s\t%s\n", what ": " name, beside, measured, target, reached ? "ok" : "missed" >>rows
    }
    BEGIN {
      split(nginx, n)
      split(bunsen, b)
      ratio = b[1] / n[1]
      added = b[2] - n[2]
      printf "%s, %d clients: nginx %.0f/s p50 %.3f p99 %.2f ms %.0f µs; bunsen %.0f/s p50 %.3f p99 %.2f ms %.0f µs; ratio %.2f, of processor time %.2f, added p50 %.3f ms%s\n",
        what, clients, n[1], n[2], n[3], n[4], b[1], b[2], b[3], b[4], ratio, n[4] / b[4], added, said
      if (clients > 1 && least != "-")
        row("requests/s", sprintf("nginx %.0f/s, %.0f µs", n[1], n[4]),
          sprintf("%.2f (of processor time %.2f)", ratio, n[4] / b[4]), "≥ " least, ratio >= least)
      if (clients > 1 && goals ~ /tail/)
        row("p99", sprintf("nginx %.2f ms", n[3]), sprintf("%.1f times", b[3] / n[3]), "≤ 2 times", b[3] <= 2 * n[3])
      if (clients == 1 && goals ~ /near/)
        row("added p50, 1 client", sprintf("nginx %.3f ms", n[2]), sprintf("%.3f ms", added), "≤ 0.15 ms", added <= 0.15)
      if (clients > 1 && goals ~ /peer/) {
        # The best known peer answered so much beside nginx on the same work: 210 and 171 requests/s
        # where nginx answered 36,300 and 23,200.
        peer = goals ~ /peer-list/ ? 171 / 23200 : 210 / 36300
        row("the best known peer", sprintf("%.4f of nginx", peer), sprintf("%.0f times", ratio / peer), "≥ 100 times", ratio >= 100 * peer)
      }
    }'
}
