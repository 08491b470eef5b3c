import { JijiError } from '../errors.ts'
import type { Progress } from './transfer.ts'

/** What a deploy tells while it runs. `ui/` alone decides how that looks. */
export type Event = {
  step: Step
  /** `held` and `let go` are shown to nobody: in between something is on a server that must not stay there. */
  state: 'begun' | 'going on' | 'lost' | 'done' | 'failed' | 'stopped' | 'note' | 'held' | 'let go'
  server?: string
  service?: string
  detail?: string
  /** Of images that go to a server through a tunnel. */
  transfer?: Progress
  /** Of what is begun: how far it is, for who wants to know that at any time. */
  progress?: () => Progress
}

export type Step =
  | 'connect'
  | 'lock'
  | 'verify'
  | 'hook'
  | 'registry'
  | 'send'
  | 'build'
  | 'fetch'
  | 'push'
  | 'seed'
  | 'tunnel'
  | 'pull'
  | 'proxy'
  | 'wait'
  | 'start'
  | 'health'
  | 'switch'
  | 'drain'
  | 'stop'
  | 'put back'
  | 'record'
  | 'remove'
  | 'install'
  | 'network'
  | 'allow'

export type Report = (event: Event) => void

/** Reports the beginning and the end of a step, and in between, now and then, how far it is. */
export async function reported<T>(
  report: Report,
  event: Omit<Event, 'state'>,
  work: () => Promise<T>,
  progress?: () => Progress,
): Promise<T> {
  const far = () => (progress ? { transfer: progress() } : {})
  report({ ...event, state: 'begun', ...(progress && { progress }) })
  const timer = progress && setInterval(() => report({ ...event, ...far(), state: 'going on' }), 5000)
  try {
    const result = await work()
    report({ ...event, ...far(), state: 'done' })
    return result
  } catch (error) {
    const isStopped = error instanceof JijiError && error.code === 'interrupted' // which is no fault of its own
    report({ ...event, state: isStopped ? 'stopped' : 'failed' })
    throw error
  } finally {
    clearInterval(timer)
  }
}

/** Whether the server has not said how the work ended: it is lost, or does not end in its time what was interrupted. */
function mayGoOn(error: unknown): boolean {
  if (!(error instanceof JijiError)) return false
  return (
    ['server.lost', 'server.timeout'].includes(error.code) || (error.code === 'interrupted' && Boolean(error.server))
  )
}

/** Has it known what would stay behind if this process ended before `work` does, or has lost its server meanwhile. */
export async function holding<T>(report: Report, what: Omit<Event, 'state'>, work: () => Promise<T>): Promise<T> {
  report({ ...what, state: 'held' })
  try {
    const result = await work()
    report({ ...what, state: 'let go' })
    return result
  } catch (error) {
    if (!mayGoOn(error)) report({ ...what, state: 'let go' })
    throw error
  }
}
