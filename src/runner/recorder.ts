import type { Script } from '../shell/script.ts'
import type { Output, Runner } from './runner.ts'

export type Recorder = Runner & { readonly scripts: readonly Script[] }

/** A runner that runs nothing: it keeps what it was given and answers with success and silence, or as it is told. */
export function recorder(server: string, answer: (script: Script) => Partial<Output> = () => ({})): Recorder {
  const scripts: Script[] = []
  return {
    server,
    scripts,
    async run(script, { onLine, onChunk } = {}) {
      scripts.push(script)
      const output = { code: 0, stdout: '', stderr: '', ...answer(script) }
      await onChunk?.(Buffer.from(output.stdout), 'stdout')
      await onChunk?.(Buffer.from(output.stderr), 'stderr')
      for (const line of linesOf(output.stdout)) onLine?.(line, 'stdout')
      for (const line of linesOf(output.stderr)) onLine?.(line, 'stderr')
      return output
    },
    async close() {},
  }
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}
