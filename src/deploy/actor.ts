import { hostname, userInfo } from 'node:os'
import type { Runner } from '../runner/runner.ts'
import type { CiRun, Who } from '../shell/audit.ts'
import { sh } from '../shell/script.ts'

/** Who changes something: by a name and from where, for the lock, and all that is known of them, for the audit. */
export type Actor = { by: string; host: string; who: Who }

type Environment = Readonly<Record<string, string | undefined>>

/** By the name that the CI knows, the git identity, else the login name. */
export async function findActor(here: Runner, environment: Environment): Promise<Actor> {
  const login = loginName(environment)
  const ci = ciRun(environment)
  const { code, stdout } = await here.run(sh`git config user.email`)
  const git = code === 0 ? stdout.trim() : ''
  return {
    by: ci?.actor || git || login,
    host: ci ? `${ci.name} ${ci.repository}/${ci.run}` : hostname(),
    who: { login: `${login}@${hostname()}`, ...(git ? { git } : {}), ...(ci ? { ci } : {}) },
  }
}

function ciRun(environment: Environment): CiRun | undefined {
  const { GITHUB_ACTOR, GITHUB_REPOSITORY = '', GITHUB_RUN_ID, GITHUB_WORKFLOW, GITHUB_SERVER_URL } = environment
  if (GITHUB_ACTOR && GITHUB_RUN_ID)
    return {
      name: 'GitHub Actions',
      repository: GITHUB_REPOSITORY,
      run: GITHUB_RUN_ID,
      actor: GITHUB_ACTOR,
      ...(GITHUB_WORKFLOW ? { workflow: GITHUB_WORKFLOW } : {}),
      ...(GITHUB_SERVER_URL ? { url: `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}` } : {}),
    }
  const { GITLAB_USER_LOGIN, CI_PIPELINE_ID, CI_PROJECT_PATH = '', CI_JOB_NAME, CI_JOB_URL } = environment
  if (GITLAB_USER_LOGIN && CI_PIPELINE_ID)
    return {
      name: 'GitLab CI',
      repository: CI_PROJECT_PATH,
      run: CI_PIPELINE_ID,
      actor: GITLAB_USER_LOGIN,
      ...(CI_JOB_NAME ? { workflow: CI_JOB_NAME } : {}),
      ...(CI_JOB_URL ? { url: CI_JOB_URL } : {}),
    }
  return undefined
}

/** A container may run as a user that has no name. */
function loginName({ USER, LOGNAME }: Environment): string {
  try {
    return userInfo().username
  } catch {
    return USER || LOGNAME || `user ${process.getuid?.() ?? 'unknown'}`
  }
}
