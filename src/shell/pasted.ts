import { Secret } from '../config/secret.ts'
import { interruptible, makePrivate } from './frame.ts'
import { findRuntimeFolder } from './rootless.ts'
import { quote, type Script } from './script.ts'

/**
 * A script as somebody can paste it into a terminal: it does there what it does in its frame, but for the watch on who
 * sent it. As there, the shell reads all of it before it starts, and it reads nothing of what comes after. A secret stands
 * as a variable, without which the shell does not begin.
 * @param sshWords what stands behind `ssh`; nothing where it runs on this machine
 */
export function pasted(script: Script, sshWords: string | undefined, { isFed = false } = {}): string {
  const text = shown(script).trim()
  const all = `{ exec ${isFed ? '3<&0 ' : ''}</dev/null; umask 077
PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin LC_ALL=C; export PATH LC_ALL
${requireSecrets(script)}${surroundings(text)}${text}
exit; }`
  const end = endFor(all)
  const program = sshWords === undefined ? 'sh' : `ssh ${sshWords} sh`
  const fed = isFed ? '# what jiji sends to its stdin afterwards is missing here\n' : ''
  return `${fed}${program} <<'${end}'\n${all}\n${end}`
}

/** The same for a script that has somebody's terminal. */
export function pastedAtTerminal(script: Script, sshWords: string | undefined): string {
  const text = quote(`PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin; export PATH\n${shown(script).trim()}`)
  return sshWords === undefined ? `sh -c ${text}` : `ssh -t ${sshWords} ${text}`
}

function shown(script: Script): string {
  return script.pieces.map(piece => (piece instanceof Secret ? placeholder(piece) : piece)).join('')
}

function placeholder({ name }: Secret): string {
  return isVariable(name) ? `"$${name}"` : quote(`[${name}]`)
}

/** At the beginning, because in a pipe only a part of the script would end. */
function requireSecrets({ pieces }: Script): string {
  const names = new Set(
    pieces.flatMap(piece => (piece instanceof Secret && isVariable(piece.name) ? [piece.name] : [])),
  )
  return [...names].map(name => `: "\${${name}:?}"\n`).join('')
}

function isVariable(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
}

/** Those parts of the frame that a script makes use of. */
function surroundings(text: string): string {
  const isPrivate = text.includes('make_private')
  const parts = [
    ...(text.includes('podman') ? [findRuntimeFolder.render()] : []),
    ...(text.includes('interruptible') ? [interruptible] : []),
    ...(isPrivate ? [makePrivate] : []),
    ...(isPrivate || text.includes('on_exit') ? [cleanUp] : []),
  ]
  return parts.map(part => `${part}\n`).join('')
}

const cleanUp = `private=; on_exit() { :; }; trap 'exit 143' TERM HUP INT
trap 'status=$?; on_exit; [ -z "$private" ] || rm -rf "$private"; exit "$status"' EXIT`

/** A word that is no line of the text. */
function endFor(text: string): string {
  const lines = new Set(text.split('\n'))
  let end = 'EOF'
  while (lines.has(end)) end += '_'
  return end
}
