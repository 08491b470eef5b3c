import type { ChalkInstance } from 'chalk'
import type { Event } from '../deploy/event.ts'
import { renderProgress, renderTransfer } from './progress.ts'

const words: Record<Event['step'], { begun: string; done: string }> = {
  connect: { begun: 'connecting', done: 'connected' },
  lock: { begun: 'locking', done: 'locked' },
  verify: { begun: 'verifying', done: 'verified' },
  hook: { begun: 'running the hook', done: 'ran the hook' },
  registry: { begun: 'starting the local registry', done: 'the local registry runs anew:' },
  send: { begun: 'sending', done: 'sent' },
  build: { begun: 'building', done: 'built' },
  fetch: { begun: 'fetching', done: 'fetched' },
  push: { begun: 'pushing', done: 'pushed' },
  seed: { begun: 'asking whom it may log in to', done: 'gets images' },
  tunnel: { begun: 'opening the tunnel', done: 'tunnel' },
  pull: { begun: 'pulling', done: 'pulled' },
  proxy: { begun: 'starting the proxy', done: 'proxy' },
  wait: { begun: 'waiting', done: 'waited' },
  start: { begun: 'starting', done: 'started' },
  health: { begun: 'asking until it is healthy', done: 'healthy' },
  switch: { begun: 'switching', done: 'switched' },
  drain: { begun: 'draining', done: 'drained' },
  stop: { begun: 'stopping what ran before', done: 'done' },
  'put back': { begun: 'putting back', done: 'put back' },
  record: { begun: 'recording', done: 'recorded' },
  remove: { begun: 'removing', done: 'removed' },
  install: { begun: 'installing', done: 'installed' },
  network: { begun: 'making the network', done: 'made the network' },
  allow: { begun: 'allowing', done: 'allowed' },
}

/** One line: where, what, how it went. */
export function renderEvent({ step, state, server, service, detail, transfer }: Event, colour: ChalkInstance): string {
  const place = [server, service].filter(part => part).join(' ')
  const prefix = place ? `${colour.cyan(place.padEnd(14))} ` : ''
  switch (state) {
    case 'begun':
      return `${prefix}${words[step].begun}${detail ? ` ${detail}` : ''}`
    case 'going on':
      return `${prefix}${words[step].begun}${transfer ? ` ${renderProgress(transfer)}` : ''}`
    case 'done':
      return `${prefix}${words[step].done}${detail ? ` ${detail}` : ''}${transfer ? `: ${renderTransfer(transfer)}` : ''}`
    case 'lost':
      return `${prefix}${colour.yellow(detail ?? '')}`
    case 'failed':
      return `${prefix}${colour.red(`${step} failed`)}`
    case 'stopped':
      return `${prefix}${colour.yellow(`${step} stopped`)}`
    case 'note':
      return `${prefix}${colour.dim(detail ?? '')}`
    case 'held':
    case 'let go':
      return ''
  }
}

/** What is going on: with the last words of what is run, or else with what it is about. */
export function renderDoing({ step, service, detail, note }: Omit<Event, 'state'> & { note?: string }): string {
  const what = [service, words[step].begun].filter(part => part).join(' ')
  return note ? `${what}: ${note}` : [what, detail].filter(part => part).join(' ')
}

/** What was told of a server last, in words that can stand alone. */
export function renderLast({ step, state, service, detail }: Event): string {
  if (state === 'lost') return detail ?? ''
  const how = state === 'failed' || state === 'stopped' ? [`${step} ${state}`] : [words[step].done, detail]
  return [service, ...how].filter(part => part).join(' ')
}

/** What nobody misses who has seen it going on: that it was done is said by what comes after it. */
export function isShownLive({ step, state }: Event): boolean {
  if (state === 'begun' || state === 'going on') return true
  return state === 'done' && ['start', 'health', 'switch', 'drain'].includes(step)
}

/** What is known of places, and nothing that happens. */
export function isBookkeeping({ state }: Event): boolean {
  return state === 'held' || state === 'let go'
}

/** What is worth a line to those alone who want to see everything. */
export function isSmallTalk({ step, state }: Event): boolean {
  return state === 'note' && !['drain', 'hook', 'lock', 'wait'].includes(step)
}

/** What does not take long enough for its beginning to be told, or what nobody doubts once something else happens. */
export function goesWithoutSaying({ step, state, detail }: Event): boolean {
  if (state === 'begun') return !['send', 'build', 'fetch', 'hook', 'push', 'pull', 'install'].includes(step)
  return state === 'done' && !detail && ['connect', 'lock', 'record'].includes(step)
}
