import type { Event, Step } from '../deploy/event.ts'
import type { Progress } from '../deploy/transfer.ts'

/** Something that is being done, and since when, in milliseconds. */
export type Doing = Pick<Event, 'step' | 'service' | 'detail'> & {
  since: number
  /** The last line that a program doing it has written. */
  note?: string
  progress?: () => Progress
}

/** What is going on at a server, or on this machine, which has no name. */
export type Scene = {
  server?: string
  doing: Doing[]
  /** What was told last that is no beginning. */
  last?: Event
}

/** Follows what events tell of what is going on right now. */
export type GoingOn = {
  hear(event: Event): void
  /** This machine first, if it does something, and the servers in the order in which they were first heard of. */
  scenes(): Scene[]
}

/** One script goes through these, and tells of each only that it is done: then the next one is going on. */
const next: Partial<Record<Step, Step>> = { start: 'health', health: 'switch', switch: 'drain', drain: 'stop' }

export function goingOn(now: () => number): GoingOn {
  const here: Scene = { doing: [] }
  const servers = new Map<string, Scene>()
  const sceneOf = (server: string | undefined) => {
    if (server === undefined) return here
    const scene = servers.get(server) ?? { server, doing: [] }
    servers.set(server, scene)
    return scene
  }
  const noteAll = ({ step, service, detail = '' }: Event) => {
    for (const { doing } of [here, ...servers.values()])
      for (const one of doing) if (one.step === step && one.service === service) one.note = detail
  }
  return {
    hear(event) {
      // What hooks write is printed, and stays.
      if (event.state === 'note') return event.step === 'hook' ? undefined : noteAll(event)
      if (['held', 'let go', 'going on'].includes(event.state)) return
      const scene = sceneOf(event.server)
      scene.doing = after(scene.doing, event, now())
      if (event.state !== 'begun') scene.last = event
    },
    scenes: () => [...(here.doing.length > 0 ? [here] : []), ...servers.values()],
  }
}

function after(doing: readonly Doing[], event: Event, at: number): Doing[] {
  const { step, service, state, detail, progress } = event
  const others = doing.filter(one => !isSame(one, event))
  const before = doing.find(one => isSame(one, event) && one.detail === detail)
  switch (state) {
    case 'begun':
      return [...others, { ...about(event), since: before?.since ?? at, ...(progress && { progress }) }]
    case 'done': {
      const then = next[step]
      return then && others.length < doing.length
        ? [...others, { step: then, ...(service && { service }), since: at }]
        : others
    }
    case 'failed':
      // What is named may be a service that shares the network of the one that was begun.
      return others.filter(one => !isOfReplacement(step) || !isOfReplacement(one.step))
    case 'lost':
      return step === 'connect' ? lost(doing, event, at) : [...doing]
    default:
      return [...doing]
  }
}

/** A server that was connected is connected to once more; what went on there is not known any more. */
function lost(doing: readonly Doing[], event: Event, at: number): Doing[] {
  const isFirst = doing.some(({ step }) => step === 'connect')
  return isFirst ? [] : [{ step: event.step, since: at }]
}

/** This machine does several things of a kind at once, and a server does not. */
function isSame(one: Doing, { step, service, server, detail }: Event): boolean {
  const isStep = one.step === step || (isOfReplacement(step) && isOfReplacement(one.step))
  return isStep && one.service === service && (server !== undefined || one.detail === detail)
}

function isOfReplacement(step: Step): boolean {
  return step in next || step === 'stop'
}

function about({ step, service, detail }: Pick<Event, 'step' | 'service' | 'detail'>) {
  // The names of the containers that are started are for those who look for them later.
  return { step, ...(service && { service }), ...(detail && !isOfReplacement(step) && { detail }) }
}
