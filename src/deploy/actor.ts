import { hostname, userInfo } from 'node:os'
import type { Runner } from '../runner/runner.ts'
import { sh } from '../shell/script.ts'

/** Who changes something, for the lock and the audit: the git identity, the CI run, else the login name. */
export async function findActor(
  here: Runner,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ by: string; host: string }> {
  const { GITHUB_ACTOR, GITHUB_REPOSITORY, GITHUB_RUN_ID } = environment
  if (GITHUB_ACTOR && GITHUB_RUN_ID)
    return { by: GITHUB_ACTOR, host: `GitHub Actions ${GITHUB_REPOSITORY}/${GITHUB_RUN_ID}` }
  const { code, stdout } = await here.run(sh`git config user.email`)
  const email = code === 0 ? stdout.trim() : ''
  return { by: email || loginName(environment), host: hostname() }
}

/** A container may run as a user that has no name. */
function loginName({ USER, LOGNAME }: Readonly<Record<string, string | undefined>>): string {
  try {
    return userInfo().username
  } catch {
    return USER || LOGNAME || `user ${process.getuid?.() ?? 'unknown'}`
  }
}
