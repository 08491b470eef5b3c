import { PassThrough, Readable } from 'node:stream'
import type { Output, Reading } from './runner.ts'
import type { Shell } from './shell.ts'

/** Hands on what a shell writes, byte by byte and no faster than it is read; `run` is given the shell without it. */
export function readingFrom(run: (hand: (shell: Shell) => Shell) => Promise<Output>): Reading {
  const stream = new PassThrough()
  const hand = ({ stdout, ...rest }: Shell) => {
    stdout.pipe(stream)
    return { ...rest, stdout: Readable.from([]) }
  }
  const ended = run(hand)
  stream.on('error', () => {}) // `ended` says it as well
  ended.catch(error => stream.destroy(error))
  return { stream, ended }
}
