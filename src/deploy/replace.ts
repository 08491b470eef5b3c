import type { Service } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import type { Runner } from '../runner/runner.ts'
import { exits } from '../shell/engine.ts'
import { type Replacement, replaceContainer } from '../shell/replace.ts'
import type { ApplyContext } from './apply-context.ts'
import { holding, type Step } from './event.ts'
import { lockLost } from './failure.ts'
import { replacementLimit } from './limits.ts'
import { runnerOf } from './losses.ts'
import type { ServerPlan } from './plan/plan.ts'

/**
 * Calls back when the candidate has taken over. A script that fails has undone what it did; one that is interrupted or
 * lost after the switch has not, it goes through to its end.
 * @throws JijiError release.unhealthy with the container's last lines
 */
export async function replaceOne(
  { report, signal, ...context }: ApplyContext,
  { server, engine }: ServerPlan,
  replacement: Replacement,
  onSwitched: () => void,
): Promise<void> {
  const { service, candidate } = replacement
  const runner = runnerOf(context, server)
  const candidates = { step: 'start', server, service: service.name, detail: candidate.names.join(', ') } as const
  report({ ...candidates, state: 'begun' })
  let isSwitched = false
  let about = service.name
  const run = () =>
    runner.run(replaceContainer(engine, replacement), {
      signal,
      timeout: replacementLimit(replacement),
      onLine: (line, stream) => {
        const step = stream === 'stdout' ? stepOfLine[line] : undefined
        if (stream === 'stdout' && line.startsWith('about ')) about = line.slice('about '.length)
        if (step === (service.proxy ? 'switch' : 'health')) isSwitched = true
        if (step && (step !== 'drain' || replacement.live))
          report({ step, state: 'done', server, service: service.name })
        if (line === 'undrained')
          report({
            step: 'drain',
            state: 'note',
            server,
            service: service.name,
            detail: 'requests were still running when the time to drain was over',
          })
      },
    })
  const output = await holding(report, candidates, run).catch((error: unknown) => {
    if (isSwitched) onSwitched()
    throw error
  })
  if (output.code === 0) return onSwitched()
  report({ step: output.code === exits.unhealthy ? 'health' : 'start', state: 'failed', server, service: about })
  throw replacementFailure(runner, engine, { ...replacement, about }, output)
}

const stepOfLine: Record<string, Step> = {
  started: 'start',
  healthy: 'health',
  switched: 'switch',
  drained: 'drain',
  stopped: 'stop',
}

function replacementFailure(
  runner: Runner,
  engine: ServerPlan['engine'],
  { service, live, about }: Replacement & { about: string },
  output: { code: number; stdout: string; stderr: string },
): JijiError {
  const { server } = runner
  const details = { server, ...(live ? { hint: 'the version before still serves' } : {}) }
  const rest = (word: string) =>
    output.stdout
      .split('\n')
      .filter(line => line.startsWith(`${word} `))
      .map(line => line.slice(word.length + 1))
  if (output.code === exits.unhealthy) {
    const log = rest('log').join('\n')
    const [reason = ''] = rest('reason')
    const hint = [details.hint, about === service.name ? adviceOn(service, reason) : undefined]
      .filter(Boolean)
      .join('; ')
    return new JijiError('release.unhealthy', `${server}: ${about} did not become healthy: ${reason}`, {
      ...details,
      ...(hint ? { hint } : {}),
      output: log || '(the container wrote nothing)',
    })
  }
  if (output.code === exits.lockLost) return lockLost(server, `${service.name} was not replaced`)
  if (output.code === exits.notStarted) {
    return new JijiError(
      'engine.failed',
      `${server}: ${about} could not be started: ${lastLine(output.stderr)}`,
      details,
    )
  }
  return (
    engineFailure(runner, engine, output) ??
    new JijiError('failed', `${server}: ${service.name} could not be replaced: ${lastLine(output.stderr)}`, { server })
  )
}

/** What is behind it most often, the first time that a service is deployed. */
function adviceOn({ name, proxy }: Service, reason: string): string | undefined {
  if (!proxy) return undefined
  if (reason.includes(' gave no answer'))
    return `does ${name} listen on its app_port, and on all addresses (0.0.0.0), not on 127.0.0.1 alone?`
  return / answered 4\d\d/.test(reason)
    ? 'proxy.healthcheck.path says what is asked for, and must be answered with 2xx or 3xx'
    : undefined
}
