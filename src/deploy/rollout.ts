import { pause } from '../runner/abort.ts'
import type { NewContainer, Replacement } from '../shell/replace.ts'
import type { ApplyContext } from './apply-context.ts'
import { allTogether } from './failure.ts'
import type { DigestsByServer } from './images.ts'
import type { Plan, Rollout } from './plan/plan.ts'
import { describeRound } from './plan/rounds.ts'
import { type Switched, standing } from './put-back.ts'
import { serviceFor } from './recorded.ts'
import { recover } from './recover.ts'
import { replaceOne } from './replace.ts'
import { surroundingsOf } from './surroundings.ts'

/**
 * Round by round, as the plan says. A failure puts back what had been switched, or keeps it where that is chosen.
 * @throws FailedRelease when that is done
 */
export async function replaceAll(context: ApplyContext, plan: Plan, digests: DigestsByServer): Promise<void> {
  const switched: Switched[] = []
  const replace = (service: string, name: string) => {
    const one = replacementIn(plan, service, name)
    const replacement = toReplacement(context, plan, one, digests)
    return replaceOne(context, one.server, replacement, () => {
      switched.push(one)
      context.report({ step: 'switch', state: 'held', server: name, service, detail: plan.version })
    })
  }
  try {
    for (const [index, round] of plan.rollout.rounds.entries()) {
      if (index > 0) await waitFor(context, plan.rollout, round)
      for (const { service, servers } of round) await allTogether(servers.map(server => replace(service, server)))
    }
  } catch (error) {
    throw await recover(context, plan, digests, switched, error)
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

function toReplacement(
  { config, secrets, owner, observations }: ApplyContext,
  plan: Plan,
  { server: { server }, replacement }: Switched,
  digests: DigestsByServer,
): Replacement {
  const { service: name, image, candidate, live, leftovers, again } = replacement
  const service = serviceFor({ config, observations }, server, name, candidate.names[0])
  const create = (): NewContainer => ({
    image,
    id: again?.id,
    release: again?.release ?? plan.release,
    version: again?.version ?? plan.version,
    digest: digests.get(server)?.get(name) ?? '',
    ...(plan.action === 'rollback' ? { isKept: true } : surroundingsOf({ config, secrets }, service)),
  })
  return {
    scope: config.scope,
    owner,
    service,
    candidate: { ...standing(candidate), ...(candidate.isNew ? { create: create() } : { isMoved: true }) },
    live: live && standing(live),
    afterwards: 'stop',
    leftovers,
    timing: config.deploy,
  }
}
