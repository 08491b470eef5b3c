import { loginAdvice, programOf } from '../config/auth-kinds.ts'
import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import type { Runner } from '../runner/runner.ts'
import { sh } from '../shell/script.ts'

/** Runs the command of a secret, and gives what it prints without the newline at its end. */
export async function runSecretCommand(runner: Runner, command: string, signal: AbortSignal): Promise<string> {
  const { code, stdout, stderr } = await runner.run(sh`exec sh -c ${command}`, {
    signal,
    timeout: 60_000,
    isPrivate: true,
  })
  if (code === 0 && stdout.trim() !== '') return stdout.replace(/\r?\n$/, '')
  const program = programOf(command)
  const why =
    code === 127
      ? `cannot run: ${program} is not installed on this machine`
      : code === 0
        ? 'printed nothing'
        : `ended with status ${code}: ${lastLine(stderr)}`
  const advice = code === 127 ? `install ${program}, or declare another kind of credential` : loginAdvice(command)
  throw new JijiError('secret.command-failed', `the command of a secret ${why}`, {
    hint: advice ? `${advice}\n  the command is: ${command}` : `it is: ${command}`,
  })
}
