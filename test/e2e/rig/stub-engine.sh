#!/bin/sh
# Stands in for Docker where there are to be more servers than a machine can run engines: it answers what jiji's scripts
# ask, and keeps what they tell it in files below $HOME. Nothing is pulled, and no container has a process, but what is
# executed in the proxy runs, with the files of the proxy in /jiji; there it is also its caddy and its wget.
set -u
containers=$HOME/containers

main() {
  case $1 in
    version) echo '{"version":"stub","arch":"amd64"}' ;;
    run | create) verb=$1; shift; make "$@" ;;
    start) shift; for one in "$@"; do : >"$containers/$one/running"; done ;;
    stop) shift; each stop "$@" ;;
    rm) shift; each remove "$@" ;;
    rename) mv "$containers/$2" "$containers/$3" ;;
    ps) list ;;
    inspect) shift; inspect "$@" ;;
    exec) shift; execute "$@" ;;
    image) case $2$* in inspect*RepoDigests*) echo '["stub@sha256:0000"]' ;; inspect*) echo sha256:0000 ;; esac ;;
    pull | tag | images | network | logs | info | context | update) ;;
    *) echo "the stand-in for docker does not know $1" >&2; exit 125 ;;
  esac
}

make() {
  name= labels= proxy=
  while :; do
    case $1 in
      -d) shift; continue ;;
      --name) name=$2 ;;
      --label) labels="$labels,\"${2%%=*}\":\"${2#*=}\"" ;;
      -*) ;;
      *) break ;;
    esac
    case $2 in jiji.proxy=*) proxy=${2#*=} ;; esac
    shift 2
  done
  mkdir -p "$containers" && mkdir "$containers/$name" || exit 125
  echo "{${labels#,}}" >"$containers/$name/labels"
  echo "$proxy" >"$containers/$name/proxy"
  [ "$verb" = create ] || : >"$containers/$name/running"
  echo "$name"
}

each() {
  what=$1
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      -t) shift ;;
      -*) ;;
      *) case $what in remove) rm -rf "${containers:?}/$1" ;; stop) rm -f "$containers/$1/running" ;; esac ;;
    esac
    shift
  done
}

# The proxy is nobody's service.
list() {
  for one in "$containers"/*; do
    case $one in */jiji-proxy* | */\*) ;; *) echo "${one##*/}" ;; esac
  done
}

inspect() {
  [ "$1" != --type ] || shift 2
  format=
  [ "$1" != --format ] || { format=$2; shift 2; }
  for one in "$@"; do
    [ -d "$containers/$one" ] || exit 1
    running=false state=exited
    [ ! -f "$containers/$one/running" ] || { running=true state=running; }
    case $format in
      'container '*)
        read -r labels <"$containers/$one/labels"
        printf 'container {"id":"%s","name":"/%s","labels":%s,"state":"%s","running":%s,' "$one" "$one" "$labels" "$state" "$running"
        echo '"startedAt":"2026-01-01T00:00:00Z","finishedAt":"","exitCode":0,"restarts":0,"image":"","health":"","isOutOfMemory":false,"checks":null}'
        ;;
      *jiji.proxy*) read -r label <"$containers/$one/proxy"; echo "$running $label" ;;
      *IPAddress*) echo 127.0.0.1 ;;
      *) echo "$running 0 0 " ;;
    esac
  done
}

execute() {
  while :; do
    case $1 in
      -e) export "${2?}"; shift 2 ;;
      -i) shift ;;
      *) break ;;
    esac
  done
  shift
  exec "$@"
}

case ${0##*/} in
  caddy) ;;
  wget) echo '  HTTP/1.1 200 OK' >&2 ;;
  *) main "$@" ;;
esac
