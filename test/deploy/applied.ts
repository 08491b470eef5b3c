import { Secrets } from '../../src/config/secrets.ts'
import { apply } from '../../src/deploy/apply.ts'
import type { ApplyContext } from '../../src/deploy/apply-context.ts'
import type { Event } from '../../src/deploy/event.ts'
import type { Observation } from '../../src/deploy/observe.ts'
import type { Plan } from '../../src/deploy/plan/plan.ts'
import { JijiError } from '../../src/errors.ts'
import { leftBehind } from '../../src/ui/left-behind.ts'
import { type Answer, fakeServers } from './fake.ts'
import { config, planFor, saidBy } from './world.ts'

/** Carries a plan out on servers that answer as they are told. */
export async function applied(
  observations: readonly Observation[],
  {
    answers = {},
    plan = planFor(config, observations),
    interruptAt,
    over = {},
  }: {
    answers?: Record<string, Answer>
    plan?: Plan
    interruptAt?: (event: Event) => boolean
    over?: Partial<ApplyContext>
  } = {},
) {
  // Once a release has failed, servers say that all is as it was, unless a test knows better.
  const asBefore = observations.map(one => [`${one.server} observe`, { stdout: saidBy(one) }])
  const { log, scripts, runners } = fakeServers(
    observations.map(({ server }) => server),
    { ...Object.fromEntries(asBefore), ...answers },
  )
  const events: Event[] = []
  const left = leftBehind()
  /** What would have been left behind at each event. */
  const leftAt: string[] = []
  const interrupt = new AbortController()
  const context: ApplyContext = {
    config,
    secrets: new Secrets(new Map()),
    runners,
    observations,
    owner: { by: 'me', host: 'laptop', since: 'now', command: 'deploy' },
    actor: { by: 'me', host: 'laptop', who: { login: 'me@laptop' } },
    signal: interrupt.signal,
    report: event => {
      left.hear(event)
      leftAt.push(left.render().split('\n').slice(1).join('; ').replace(/ {2,}/g, ' on '))
      if (event.state === 'held' || event.state === 'let go') return
      events.push(event)
      if (interruptAt?.(event)) interrupt.abort(new JijiError('interrupted', 'interrupted'))
    },
    ...over,
  }
  const error = await apply(context, plan, async () => new Map()).then(
    () => undefined,
    (error: unknown) => error as JijiError,
  )
  const recordOn = (server: string) => {
    const text = scripts.find(one => one.server === server && one.deed === 'record')?.script.render() ?? ''
    return JSON.parse(/'(\{"schemaVersion".*\})'/.exec(text)?.[1] ?? 'null')
  }
  return {
    log: log.filter(line => !line.endsWith(' observe')),
    scripts: scripts.filter(({ deed }) => deed !== 'observe'),
    events,
    leftAt: leftAt.filter((one, index) => one !== leftAt[index - 1]),
    error,
    recordOn,
    runners,
  }
}
