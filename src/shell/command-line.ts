import type { Script } from './script.ts'

/**
 * A script as one line that every login shell takes alike, fish and csh too: what they do not agree on is not in it. For
 * a session with a terminal, whose stdin is somebody's keyboard; elsewhere a script goes over stdin (frame.ts). It can
 * be read in the server's process list.
 */
export function commandLine(script: Script): string {
  const text = `PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin\nexport PATH\n${script}`
  return `exec sh -c 'eval "$(printf %b "$1")"' sh '${escaped(text)}'`
}

/** Only letters and digits stay; of the rest each byte is what `printf %b` makes it out of. */
function escaped(text: string): string {
  const bytes = [...Buffer.from(text)]
  return bytes
    .map(byte => {
      const character = String.fromCharCode(byte)
      return /[A-Za-z0-9_./:=, -]/.test(character) ? character : `\\0${byte.toString(8).padStart(3, '0')}`
    })
    .join('')
}
