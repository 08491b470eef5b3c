import type { Service } from '../config/config.ts'
import type { ReplacementPlan, ServerPlan } from './plan/plan.ts'
import { type Known, type Sharer, sharersOf } from './recorded.ts'

export type Switched = { server: ServerPlan; replacement: ReplacementPlan }

/** What goes from one container to another at the same moment, since it shares a network. */
export type Group = {
  /** Has the network, or shares none. */
  first: Switched
  /** Get the network of the new container. */
  others: readonly Switched[]
  /** Have that of the old one, and not of the new: they are replaced on their own, or for good. */
  leaving: readonly Sharer[]
}

export function groupOf(known: Known, first: Switched): Group {
  const { server, replacement } = first
  const others = server.replacements
    .filter(one => one.with === replacement.service)
    .map(one => ({ server, replacement: one }))
  const observation = known.observations.find(one => one.server === server.server)
  const sharers = observation && replacement.live ? sharersOf(known, observation, replacement.service) : []
  const isOther = ({ name }: Service) => others.some(one => one.replacement.service === name)
  return { first, others, leaving: sharers.filter(({ service }) => !isOther(service)) }
}
