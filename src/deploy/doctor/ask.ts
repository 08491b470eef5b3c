import { JijiError } from '../../errors.ts'
import type { Runner } from '../../runner/runner.ts'
import type { Script } from '../../shell/script.ts'
import { type Answers, readAnswers } from './answers.ts'

/** When the question was sent, and when the clock's line came, in milliseconds. */
type Asked = { answers: Answers; said: readonly string[]; sent: number; heard: number }

/** Milliseconds after which what an engine that hangs has not said is done without. */
const patience = 30_000

export async function ask(runner: Runner, script: Script, signal: AbortSignal): Promise<Asked> {
  const sent = Date.now()
  let heard = sent
  const lines: string[] = []
  const onLine = (line: string, stream: 'stdout' | 'stderr') => {
    if (stream === 'stderr') return
    if (line.startsWith('clock ')) heard = Date.now()
    lines.push(line)
  }
  try {
    await runner.run(script, { signal, timeout: patience, onLine })
  } catch (error) {
    if (!(error instanceof JijiError) || error.code !== 'server.timeout') throw error
  }
  return { answers: readAnswers(lines.join('\n')), said: lines, sent, heard }
}
