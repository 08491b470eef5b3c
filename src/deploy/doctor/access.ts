import type { Engine } from '../../config/config.ts'
import type { Answers } from './answers.ts'
import { ok, unknown, type Verdict, warning } from './finding.ts'

/** Who we are there. A deploy needs nothing but the engine: whether that lets us is for the engine's own check. */
export function judgeUser(engine: Engine, { user, groups, sudo, lingers }: Answers): Verdict {
  if (!user) return unknown('no-answer', 'it did not say who we are', 'log in there, and see what `id` says')
  if (user.id === 0) return ok('root')
  if (engine === 'podman' && !lingers)
    return warning(
      'no-linger',
      `${user.name}, whose containers are ended when the last session of this user ends`,
      `let them stay: sudo loginctl enable-linger ${user.name}; a deploy tries to, and is refused where this user may not`,
    )
  const rights = [
    ...(engine === 'docker' && groups.includes('docker') ? ['in the group docker'] : []),
    ...(sudo === 'free' ? ['sudo works without a password'] : []),
    ...(sudo === 'asks' ? ['sudo wants a password; a deploy needs none'] : []),
  ]
  return ok([user.name, ...rights].join(', '))
}
