import { followAnswers } from '../registry/local/answers.ts'
import { readOnly } from '../registry/local/read-only.ts'
import type { Attendant } from '../runner/runner.ts'

/** A connection through a tunnel to the registry of this machine. */
export type Flow = {
  /** How often it was looked at since something went through it. */
  idle: number
  /** Who it is that lets it wait; undefined where all that was asked for has gone on its way. */
  waitsFor(): 'registry' | 'server' | undefined
  end(): void
}

/** Lets a server read, and sees what it waits for. `onGet` is told the path of each thing that is fetched. */
export function watchFlow(
  end: () => void,
  onGet: (path: string) => void,
): { flow: Flow; attendant: Required<Omit<Attendant, 'onEnd'>> } {
  const answers = followAnswers()
  let untaken = 0
  const flow: Flow = {
    idle: 0,
    end,
    waitsFor: () => (untaken > 0 ? 'server' : answers.areOwed() ? 'registry' : undefined),
  }
  const guard = readOnly((method, path) => {
    answers.asked(method)
    if (method === 'GET') onGet(path)
  })
  const attendant = {
    guard(chunk: Buffer) {
      flow.idle = 0
      return guard(chunk)
    },
    onAnswer(chunk: Buffer) {
      flow.idle = 0
      untaken += chunk.length
      answers.heard(chunk)
    },
    onTaken(bytes: number) {
      flow.idle = 0
      untaken -= bytes
    },
  }
  return { flow, attendant }
}
