import { randomBytes } from 'node:crypto'
import { stripVTControlCharacters } from 'node:util'
import { harmless } from './harmless.ts'
import { type LogFile, openLogFile } from './log-file.ts'

/** The log of one run: what -v would have shown and what scripts have written, with times and without secrets. */
export type Journal = {
  /**
   * Opens its file; what was told before comes first. To be called when the secrets are known: nothing is written before.
   */
  begin(project: string): void
  tell(text: string): void
  /** For the end of it, which has room in any case. */
  conclude(text: string): void
  execution(server: string, command: string): Execution
  /** The file, and why it is not whole or not there; undefined where nothing has begun. */
  place(): { file?: string; failure?: string } | undefined
}

/** One script that runs somewhere. */
export type Execution = {
  line(text: string, stream?: 'stdout' | 'stderr'): void
  end(how: string): void
}

type About = {
  /** The command's name. */
  command: string
  /** What the first line says: of which version, what it was called with. */
  title: string
  environment: Readonly<Record<string, string | undefined>>
  mask: (text: string) => string
}

/** In characters: of all that is written, of what one script writes, and of one line. */
const most = { run: 10_000_000, script: 1_000_000, line: 10_000 }

/** A run must not fail because of its log: where that cannot be written, it ends, and `place` says why. */
export function journal({ command, title, environment, mask }: About): Journal {
  let early: string[] | undefined = [`${now()} ${title}\n`]
  let file: LogFile | undefined
  let failure: string | undefined
  let left = most.run
  let executions = 0

  const attempt = (action: () => void) => {
    try {
      action()
    } catch (error) {
      failure ??= (error as Error).message
    }
  }
  /** Masked when it is written, by all secrets that are known then. */
  const write = (text: string) => {
    if (failure === undefined) attempt(() => file?.write(shown(mask(text))))
  }
  const put = (text: string) => {
    if (early) return void (early.length < 1000 && early.push(text))
    if (left > 0 && left <= text.length)
      write(`${now()} the log has become too long: what follows is left out, but for the end\n`)
    if (left > text.length) write(text)
    left -= text.length
  }
  const tell = (text: string) => put(`${now()} ${text.replaceAll('\n', '\n  ')}\n`)

  return {
    begin(project) {
      if (!early) return
      const first = early
      early = undefined
      attempt(() => {
        file = openLogFile(
          environment,
          project,
          `${fileTime()}-${command.replaceAll(' ', '-')}-${randomBytes(3).toString('hex')}`,
        )
      })
      for (const text of first) put(text)
    },
    tell,
    conclude(text) {
      left = Math.max(left, most.script)
      tell(text)
    },
    execution(server, command) {
      executions += 1
      const name = `${server} #${executions}`
      const began = performance.now()
      let room = most.script
      put(`${now()} ${name} runs:\n${command}\n`)
      return {
        line(text, stream = 'stdout') {
          if (room <= 0) return
          room -= text.length
          const line = mask(text).slice(0, most.line)
          tell(`${name} ${stream === 'stdout' ? '|' : '!'} ${room > 0 ? line : '(and more)'}`)
        },
        end: how => tell(`${name} ${how} after ${Math.round(performance.now() - began)} ms`),
      }
    },
    place: () => (early ? undefined : { ...(file && { file: file.path }), ...(failure && { failure }) }),
  }
}

function now(): string {
  return new Date().toISOString()
}

/** A colon has a meaning in paths of several tools. */
function fileTime(): string {
  return now().replaceAll(':', '-')
}

/** For whoever looks at it in a terminal. */
function shown(text: string): string {
  return stripVTControlCharacters(text).split('\n').map(harmless).join('\n')
}
