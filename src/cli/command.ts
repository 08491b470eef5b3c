import type { Context } from './context.ts'
import type { OptionSpec, SharedOption } from './options.ts'

/** A command: what it is called, what it takes, and where its code is. */
export type Command = {
  name: string
  /** In cac's form: `<one>`, `[one]`, `[...many]`. */
  arguments?: string
  summary: string
  shared: readonly SharedOption[]
  options?: readonly OptionSpec[]
  examples?: readonly string[]
  /** Its last arguments are a command to be run elsewhere, whose options are not ours. */
  passesOn?: boolean
  /** Goes on until Ctrl-C, which then is no failure. */
  isEndless?: boolean
  /** Changes something: a log of it is kept, and it goes on to its end when nobody reads what it says. */
  isChange?: boolean
  /** Changes nothing, and has nothing to try out. */
  onlyLooks?: boolean
  /** Releases: with -o json it tells what happens as it happens, a document in each line. */
  tellsEvents?: boolean
  /** For programs, and in no help. */
  isHidden?: boolean
  /** A number is the exit status, of a command that is not ours. */
  load: () => Promise<{ run: (context: Context) => Promise<void> | Promise<number> }>
}

/** Those for people. */
export function shownIn(catalogue: readonly Command[]): readonly Command[] {
  return catalogue.filter(({ isHidden }) => !isHidden)
}
