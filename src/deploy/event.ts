import type { Progress } from './transfer.ts'

/** What a deploy tells while it runs. `ui/` alone decides how that looks. */
export type Event = {
  step: Step
  state: 'begun' | 'going on' | 'lost' | 'done' | 'failed' | 'note'
  server?: string
  service?: string
  detail?: string
  /** Of images that go to a server through a tunnel. */
  transfer?: Progress
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

export type Report = (event: Event) => void

/** Reports the beginning and the end of a step, and in between, now and then, how far it is. */
export async function reported<T>(
  report: Report,
  event: Omit<Event, 'state'>,
  work: () => Promise<T>,
  progress?: () => Progress,
): Promise<T> {
  const far = () => (progress ? { transfer: progress() } : {})
  report({ ...event, state: 'begun' })
  const timer = progress && setInterval(() => report({ ...event, ...far(), state: 'going on' }), 5000)
  try {
    const result = await work()
    report({ ...event, ...far(), state: 'done' })
    return result
  } catch (error) {
    report({ ...event, state: 'failed' })
    throw error
  } finally {
    clearInterval(timer)
  }
}
