import { pause } from '../runner/abort.ts'
import type { Member, NewContainer, Replacement } from '../shell/replace.ts'
import type { ApplyContext } from './apply-context.ts'
import { allTogether } from './failure.ts'
import { groupOf, type Switched } from './group.ts'
import { handover } from './handover.ts'
import type { DigestsByServer } from './images.ts'
import type { Plan, Rollout } from './plan/plan.ts'
import { describeRound } from './plan/rounds.ts'
import { standing } from './put-back.ts'
import { recordAll } from './record.ts'
import { networkOf, serviceFor } from './recorded.ts'
import { recover } from './recover.ts'
import { replaceOne } from './replace.ts'
import { surroundingsOf } from './surroundings.ts'

/**
 * Round by round, as the plan says, and on record in the end. A failure puts back what had been switched, or keeps it where that is chosen.
 * @throws FailedRelease when that is done
 */
export async function replaceAll(context: ApplyContext, plan: Plan, digests: DigestsByServer): Promise<void> {
  const switched: Switched[] = []
  const routes = handover(context, plan)
  let recorded: Plan['servers'] = []
  const replace = async (service: string, name: string) => {
    const one = replacementIn(plan, service, name)
    const replacement = toReplacement(context, plan, one, digests)
    await replaceOne(context, one.server, replacement, () => {
      for (const each of [one, ...groupOf(context, one).others]) {
        const { service } = each.replacement
        switched.push(each)
        context.report({ step: 'switch', state: 'held', server: name, service, detail: plan.version })
      }
    })
    await routes.after(one.server, switched)
  }
  try {
    await routes.begin()
    for (const [index, round] of plan.rollout.rounds.entries()) {
      if (index > 0) await waitFor(context, plan.rollout, round)
      for (const { service, servers } of round) await allTogether(servers.map(server => replace(service, server)))
    }
    await routes.end()
    recorded = plan.servers
    await recordAll(context, plan, digests)
  } catch (error) {
    throw await recover(context, plan, digests, { switched, recorded, routes }, error)
  }
}

async function waitFor(
  { report, signal }: ApplyContext,
  { wait }: Rollout,
  round: Rollout['rounds'][number],
): Promise<void> {
  if (wait === 0) return
  report({ step: 'wait', state: 'note', detail: `waiting ${wait / 1000} s before ${describeRound(round)}` })
  await pause(wait, signal)
}

function replacementIn({ servers }: Plan, service: string, name: string): Switched {
  const server = servers.find(one => one.server === name)
  const replacement = server?.replacements.find(one => one.service === service)
  if (!server || !replacement) throw new Error(`${service} is not to be replaced on ${name}`)
  return { server, replacement }
}

function toReplacement(context: ApplyContext, plan: Plan, one: Switched, digests: DigestsByServer): Replacement {
  const { others, leaving } = groupOf(context, one)
  const [network] = one.replacement.candidate.names
  return {
    ...toMember(context, plan, one, digests),
    scope: context.config.scope,
    owner: context.owner,
    sharers: [
      ...others.map(other => toMember(context, plan, other, digests, network)),
      ...leaving.map(({ service, live }) => ({ ...nothingLeft, service, live: standing(live) })),
    ],
    timing: context.config.deploy,
  }
}

const nothingLeft = { afterwards: 'stop', leftovers: { remove: [], stop: [] } } as const

/** @param network the container whose network it shares, where that is none that runs already */
function toMember(
  { config, secrets, observations }: ApplyContext,
  plan: Plan,
  { server: { server }, replacement }: Switched,
  digests: DigestsByServer,
  network?: string,
): Member & Pick<Replacement, 'candidate'> {
  const { service: name, image, candidate, live, leftovers, again } = replacement
  const service = serviceFor({ config, observations }, server, name, candidate.names[0])
  const create = (): NewContainer => ({
    image,
    id: again?.id,
    joins: network ?? networkOf({ config, observations }, server, service),
    release: again?.release ?? plan.release,
    version: again?.version ?? plan.version,
    digest: digests.get(server)?.get(name) ?? '',
    ...(plan.action === 'rollback' ? { isKept: true } : surroundingsOf({ config, secrets }, service)),
  })
  return {
    service,
    candidate: { ...standing(candidate), ...(candidate.isNew ? { create: create() } : { isMoved: true }) },
    live: live && standing(live),
    afterwards: 'stop',
    leftovers,
  }
}
