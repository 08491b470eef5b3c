import type { Engine } from '../config/config.ts'
import { type Script, sh } from './script.ts'

/** Runs a command in a container that runs, word for word and without a shell. */
export function execIn(engine: Engine, container: string, words: readonly string[]): Script {
  return sh`interruptible ${engine} exec ${container} ${words}`
}

/** The same for somebody at a terminal. */
export function attachTo(engine: Engine, container: string, words: readonly string[]): Script {
  return sh`exec ${engine} exec -it -e TERM="$TERM" ${container} ${words}`
}

/** Runs a command on the server itself. */
export function runWords(words: readonly string[]): Script {
  return sh`interruptible ${words}`
}

export function attachWords(words: readonly string[]): Script {
  return sh`exec ${words}`
}
