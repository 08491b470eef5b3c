import type { Credential, Engine } from '../config/config.ts'
import { registryHost } from '../config/registry-key.ts'
import { JijiError } from '../errors.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import type { Runner } from '../runner/runner.ts'
import { requireEngine } from '../shell/engine.ts'
import type { Login } from '../shell/images.ts'
import { logIn, logOut } from '../shell/login.ts'
import { lines } from '../shell/script.ts'
import { checkLogin } from './check.ts'

/** This machine or a server, as a place that can hold a login. */
export type Place = { name: string; engine: Engine; runner: Runner }

/** What became of one registry at one place: a row of the result. */
export type Row = {
  registry: string
  place: string
  state: 'done' | 'already' | 'skipped' | 'failed'
  username?: string
  reason?: string
  error?: JijiError
}

/** Logs in at one place. A failure is a value: the other places must not suffer from it. */
export async function logInAt({ name, engine, runner }: Place, login: Login, signal: AbortSignal): Promise<Row> {
  const row = { registry: login.key, place: name, username: login.username }
  const output = await runner.run(lines(requireEngine(engine), logIn(engine, login)), { signal, timeout: 60_000 })
  if (output.code === 0) return { ...row, state: 'done' }
  const error =
    engineFailure(runner, engine, output) ?? (await whyRefused(login, name, lastLine(output.stderr), signal))
  return { ...row, state: 'failed', reason: error.message, error }
}

export async function logOutAt(
  { name, engine, runner }: Place,
  credential: Pick<Credential, 'key'>,
  signal: AbortSignal,
): Promise<Row> {
  const row = { registry: credential.key, place: name }
  const output = await runner.run(lines(requireEngine(engine), logOut(engine, credential.key)), {
    signal,
    timeout: 60_000,
  })
  if (output.code === 0) return { ...row, state: output.stdout.includes('already') ? 'already' : 'done' }
  const error =
    engineFailure(runner, engine, output) ??
    new JijiError('engine.failed', `${name}: ${lastLine(output.stderr)}`, { server: name })
  return { ...row, state: 'failed', reason: error.message, error }
}

/** Asks the registry itself: an engine's exit status does not tell a wrong password from a registry that is down. */
async function whyRefused(login: Login, place: string, words: string, signal: AbortSignal): Promise<JijiError> {
  try {
    await checkLogin(login, signal)
  } catch (error) {
    if (error instanceof JijiError) return error
    throw error
  }
  return new JijiError('failed', `${place}: the login to ${registryHost(login.key)} failed: ${words}`, {
    server: place,
  })
}
