/** What a deploy tells while it runs. `ui/` alone decides how that looks. */
export type Event = {
  step: Step
  state: 'begun' | 'done' | 'failed' | 'note'
  server?: string
  service?: string
  detail?: string
}

export type Step =
  | 'connect'
  | 'lock'
  | 'verify'
  | 'build'
  | 'push'
  | 'tunnel'
  | 'pull'
  | 'proxy'
  | 'start'
  | 'health'
  | 'switch'
  | 'drain'
  | 'stop'
  | 'put back'
  | 'record'

export type Report = (event: Event) => void

/** Reports the beginning and the end of a step. */
export async function reported<T>(report: Report, event: Omit<Event, 'state'>, work: () => Promise<T>): Promise<T> {
  report({ ...event, state: 'begun' })
  try {
    const result = await work()
    report({ ...event, state: 'done' })
    return result
  } catch (error) {
    report({ ...event, state: 'failed' })
    throw error
  }
}
