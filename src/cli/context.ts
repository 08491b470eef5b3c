import type { Output } from '../ui/output.ts'
import type { Options } from './options.ts'

/** What a command is given. */
export type Context = {
  /** Its name in the catalogue. */
  command: string
  options: Options
  args: readonly string[]
  output: Output
  environment: Readonly<Record<string, string | undefined>>
  /** Takes variables out of the environment that child processes get. */
  forget: (names: readonly string[]) => void
  directory: string
  /** What is piped in; made when it is first asked for. */
  stdin: () => AsyncIterable<Buffer | string>
  /** Aborted by Ctrl-C, with the error to end with. */
  signal: AbortSignal
}
