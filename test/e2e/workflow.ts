import { parse } from 'yaml'
import { must, type Server } from './rig/server.ts'

type Step = { uses?: string; run?: string; env?: Record<string, string> }
type Contexts = Record<'secrets' | 'vars', Record<string, string>>
type Variables = Record<string, string>

/** A runner of GitHub's, which is a server, with the folder that holds what was checked out. */
export type Machine = { server: Server; workspace: string; home: string; path: string }

export type Job = {
  /** What the steps wrote, in their order. */
  log: string
  /** The page that GitHub shows below the job. */
  summary: string
  /** The actions that it uses besides, which are not run. */
  uses: string[]
}

/** Runs the `run` steps of a workflow's only job one after the other in bash, with what GitHub's runner gives them. */
export async function runWorkflow(text: string, machine: Machine, contexts: Contexts): Promise<Job> {
  const { jobs } = parse(text) as { jobs: Record<string, { steps: Step[] }> }
  const steps = Object.values(jobs).flatMap(job => job.steps)
  const { server, home } = machine
  const temp = `${home}/temp`
  await must(server, `mkdir -p ${temp} && cd ${temp} && touch environment summary output path`)
  const runner: Variables = {
    ...{ CI: 'true', GITHUB_ACTIONS: 'true', HOME: home, PATH: machine.path, RUNNER_TEMP: temp, RUNNER_OS: 'Linux' },
    ...{ GITHUB_WORKSPACE: machine.workspace, GITHUB_ENV: `${temp}/environment`, GITHUB_OUTPUT: `${temp}/output` },
    ...{ GITHUB_PATH: `${temp}/path`, GITHUB_STEP_SUMMARY: `${temp}/summary`, GITHUB_RUN_ID: '1' },
    ...{ GITHUB_ACTOR: 'your-name', GITHUB_REF_NAME: 'main', GITHUB_WORKFLOW: 'Deploy', GITHUB_EVENT_NAME: 'push' },
    ...{ GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'your-name/motto' },
  }
  let log = ''
  for (const { run, env = {} } of steps) {
    if (run === undefined) continue
    const variables = { ...runner, ...(await writtenTo(server, `${temp}/environment`)), ...filledIn(env, contexts) }
    const { code, output } = await runStep(run, variables, machine)
    log += output
    if (code !== 0) throw new Error(`the step ${JSON.stringify(run)} exited with ${code}:\n${log}`)
  }
  const uses = steps.flatMap(step => step.uses ?? [])
  return { log, summary: await must(server, `cat ${temp}/summary`), uses }
}

async function runStep(run: string, variables: Variables, { server, workspace, home }: Machine) {
  const exports = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}\n`)
  const file = `${home}/temp/step.sh`
  await must(server, `cat > ${file}`, { input: `${exports.join('')}cd ${workspace}\n${run}` })
  const { code, stdout } = await server.exec(`env -i bash -e ${file} 2>&1`)
  return { code, output: `${stdout}\n` }
}

/** What a step has set for those after it, in the lines of GITHUB_ENV. */
async function writtenTo(server: Server, file: string): Promise<Variables> {
  const lines = (await must(server, `cat ${file}`)).split('\n').filter(Boolean)
  return Object.fromEntries(lines.map(line => line.split(/=(.*)/s).slice(0, 2)))
}

function filledIn(env: Variables, contexts: Contexts): Variables {
  const fill = (text: string) =>
    text.replace(/\$\{\{ (secrets|vars)\.(\w+) \}\}/g, (_, kind: keyof Contexts, name) => contexts[kind][name] ?? '')
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)]))
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
