import { stateFolder } from './names.ts'
import { type Script, sh } from './script.ts'

/** What is put on record: all that changes a server, or may. */
export const actions = [
  'deploy',
  'rollback',
  'restart',
  'scale',
  'service remove',
  'service prune',
  'proxy restart',
  'proxy upgrade',
  'proxy remove',
  'server init',
  'server teardown',
  'server backup',
  'server restore',
  'run',
  'exec',
  'server exec',
  'lock acquire',
  'lock release',
  'registry login',
  'registry logout',
] as const

/** Who changed something, as far as it is known beyond a name. */
export type Who = {
  /** The user and the machine where jiji ran: `ann@laptop`. */
  login: string
  /** The identity that git has there. */
  git?: string
  ci?: CiRun
}

export type CiRun = { name: string; repository: string; run: string; actor: string; workflow?: string; url?: string }

/** One change, for `jiji audit`: one line of JSON on the server. */
export type AuditEntry = {
  at: string
  by: string
  action: (typeof actions)[number]
  project: string
  server: string
  services?: string[]
  from?: string
  to?: string
  release?: string
  registry?: string
  username?: string
  /** Of a command whose end nobody waits for, that it was begun. */
  result: 'begun' | 'done' | 'failed' | 'rolled-back' | 'interrupted'
  reason?: string
  /** As whom the server was reached, and the fingerprint of the key that it took. */
  ssh?: { user: string; key?: string }
} & Partial<Who>

const segments = { bytes: 1_000_000, kept: 4 }

/**
 * Adds a line. The audit is a few files, of which the last is written to: `audit.jsonl`, and from then on one that is
 * numbered when the one before is full. They are never renamed, so that a place in them stays what it is, and who is
 * late writes where it still is read.
 */
// By one write of the whole line, whatever the shell's printf does: another may append at the same time. A line that a
// full disk has cut short spoils no other.
export function appendAudit(scope: string, entry: AuditEntry, { bytes, kept } = segments): Script {
  return sh`${stateFolder(scope)}
mkdir -p "$state" && (
  cd "$state" || exit
  file=audit.jsonl
  for next in audit.*.jsonl; do [ ! -f "$next" ] || file=$next; done
  if [ -f "$file" ] && [ "$(wc -c <"$file")" -ge ${bytes} ]; then
    number=\${file#audit.}
    number=\${number%jsonl}
    number=\${number%.}
    set -- audit.jsonl audit.*.jsonl
    while [ $# -ge ${kept} ]; do rm -f "$1"; shift; done
    file=audit.$((\${number:-100000} + 1)).jsonl
  fi
  [ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || echo >>"$file"
  printf '%s\\n' ${JSON.stringify(entry)} >".audit.$$" && dd bs=1000000 <".audit.$$" >>"$file" 2>/dev/null
  status=$?
  rm -f ".audit.$$"
  exit "$status"
)`
}

/** Does something, and then records it; what is done is done also where that cannot be written. */
export function doneAndRecorded(script: Script, record: Script): Script {
  return sh`${script} || exit
{
${record}
} || :`
}

/** Lines `entry JSON`, the newest last, and then `known PLACES`: how far that was, for followAudit. */
export function readAudit(
  scope: string,
  { action, count }: { action?: string | undefined; count?: number | undefined } = {},
): Script {
  // Also of a group: `lock` stands for `lock acquire` too. What is quoted inside of a text has other quotes.
  const begins = `"action":${JSON.stringify(action ?? '').slice(0, -1)}`
  const ofAction = action === undefined ? sh`` : sh` | grep -F -e ${`${begins}"`} -e ${`${begins} `}`
  const newest = count === undefined ? sh`` : sh` | tail -n ${count}`
  return sh`${stateFolder(scope)}
known=
${reading}
cd "$state" 2>/dev/null || exit 0
look
unread${ofAction}${newest}
echo "known$now"`
}

/** The same lines for as long as somebody listens: what has been added since, each time `known` when that was all. */
export function followAudit(scope: string, known: string): Script {
  return sh`${stateFolder(scope)}
known=${known}
${reading}
while :; do
  if cd "$state" 2>/dev/null; then
    look
    [ "$now" = "$known" ] || { unread; echo "known$now"; }
    known=$now
  fi
  interruptible sleep 1
done`
}

/** Lines `login JSON`, the newest last: the latest logins to registries. */
export function readLogins(scope: string): Script {
  return sh`(${readAudit(scope, { action: 'registry login', count: 200 })}) | sed -n 's/^entry /login /p'`
}

/** The entry of a line; none where somebody's editor or a full disk has spoilt it. */
export function parseAuditEntry(line: string): AuditEntry[] {
  try {
    const entry: unknown = JSON.parse(line)
    if (typeof entry !== 'object' || entry === null) return []
    const fields = entry as Record<string, unknown>
    const isWhole = ['at', 'by', 'action', 'server', 'result'].every(name => typeof fields[name] === 'string')
    return isWhole ? [entry as AuditEntry] : []
  } catch {
    return []
  }
}

/** `look` notes in $now how many whole lines each file has; `unread` shows those that are not in $known. */
const reading = sh`look() {
  now=' '
  for file in audit.jsonl audit.*.jsonl; do
    [ ! -f "$file" ] || now="$now$file=$(($(wc -l <"$file"))) "
  done
}
unread() {
  for place in $now; do
    file=\${place%=*}
    count=\${place##*=}
    from=0
    case $known in *" $file="*) from=\${known##*" $file="}; from=\${from%% *} ;; esac
    [ "$from" -le "$count" ] || from=0
    [ "$from" -ge "$count" ] || sed -n "$((from + 1)),$count{s/^/entry /;p;}" "$file"
  done
}`
