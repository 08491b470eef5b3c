import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { at } from '../../config/draft.ts'
import type { Remark } from '../../config/import/translation.ts'
import { loadConfig } from '../../config/load.ts'
import { projectName, proposeDraft } from '../../config/propose/draft.ts'
import type { Facts } from '../../config/propose/facts.ts'
import { configFile, proposeFiles, workflowOf } from '../../config/propose/files.ts'
import { userPlaceholder } from '../../config/propose/registry.ts'
import { type Settled, secretNames, settle } from '../../config/settle.ts'
import { JijiError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { gatherAnswers, refuseConflicts } from '../init-answers.ts'
import { lookAround } from '../look.ts'
import { wholeTemplate } from '../templates.ts'
import { adviceBeside, translate } from '../translate.ts'
import { writeNew } from '../write-new.ts'

export async function run(context: Context): Promise<void> {
  const { directory, options, output } = context
  refuseConflicts(context)
  const environment = options.text('environment')
  const existing = [configFile, configFile.replace(/yml$/, 'yaml')].find(path => existsSync(join(directory, path)))
  if (existing !== undefined || environment !== undefined) return addWorkflow(context, existing, environment)
  const facts = await lookAround(context)
  if (options.flag('full')) {
    writeNew(context, wholeTemplate(projectName(facts, { name: options.text('name') })))
    showNext(context, { placeholders: ['the address of your server'], hasSecrets: false, github: undefined })
    return
  }
  const { source, answers } = await gatherAnswers(context, facts)

  const { draft, comments, takeBack, remarks } = source
    ? { comments: [], ...translate(directory, source, facts, answers) }
    : { ...proposeDraft(facts, answers), takeBack: unexpected, remarks: () => [] }
  const { config, missing } = settledOr(
    () => settle(draft, directory, ({ path, why }) => takeBack(path, why)),
    () => showRemarks(context, remarks(), []),
  )
  const { domain } = answers
  const targets = config.services.flatMap(({ proxy }) => proxy?.targets ?? [])
  if (domain !== undefined && !targets.some(({ hosts }) => hosts?.includes(domain)))
    output.warn(`nothing leads to ${domain}: no service says which port it listens on`)
  const github = options.flag('github') ? githubOf(facts) : undefined
  writeNew(context, proposeFiles({ draft, comments, config, github }))

  const names = secretNames(config)
  showRemarks(context, remarks(), source ? adviceBeside(directory, source, names) : [])
  for (const message of missing)
    output.warn(`${message}: an image is built with one, so write it before the first deploy`)
  const placeholders = [
    ...(answers.servers.length === 0 && source?.kind !== 'kamal' ? ['the address of your server'] : []),
    ...(at(draft, ['builder', 'registry', 'username']) === userPlaceholder ? ['your user name at the registry'] : []),
  ]
  showNext(context, { placeholders, hasSecrets: names.length > 0, github })
}

/** Where nothing is left, the reasons are what matters. */
function settledOr(settled: () => Settled, tell: () => void): Settled {
  try {
    return settled()
  } catch (error) {
    tell()
    throw error
  }
}

function unexpected(_: unknown, why: string): never {
  throw new Error(`what was proposed is wrong: ${why}`)
}

/** A project that has its configuration can still be given a workflow. */
async function addWorkflow(
  context: Context,
  existing: string | undefined,
  environment: string | undefined,
): Promise<void> {
  const { directory, options, output } = context
  const others = ['name', 'server', 'domain', 'port', 'registry', 'from', 'full'].filter(name => options.flag(name))
  if (environment !== undefined && (!options.flag('github') || others.length > 0))
    throw new JijiError('usage', `init writes no file for an environment alone, such as ${environment}`, {
      hint: `what differs there goes into .jiji/deploy.${environment}.yml; with -e, jiji init --github writes a workflow for it`,
    })
  if (existing !== undefined && (!options.flag('github') || others.length > 0)) {
    throw new JijiError('config.exists', `${join(directory, existing)} is there already`, {
      hint: 'edit it, or move it away first; jiji init --github alone adds a workflow to it',
    })
  }
  const config = loadConfig({ directory, environment })
  writeNew(context, [workflowOf(config, githubOf(await lookAround(context)))])
  output.note('next: set the secrets and variables that its first lines name, and push')
}

function githubOf({ branch }: Facts): { branch: string } {
  return { branch: branch ?? 'main' }
}

/** What could not be taken over, as compilers say where something is. */
function showRemarks({ output }: Context, remarks: readonly Remark[], advice: readonly string[]): void {
  const lines = remarks.map(({ file, line, key, state, why }) => `${file}:${line}: ${key}: ${state}: ${why}`)
  if (lines.length + advice.length > 0) output.result(`\n${[...lines, ...advice].join('\n')}`)
}

type Next = { placeholders: string[]; hasSecrets: boolean; github: unknown }

function showNext({ options, output }: Context, { placeholders, hasSecrets, github }: Next): void {
  if (options.flag('dry-run')) return
  const steps = [
    ...(placeholders.length > 0 ? [`put ${placeholders.join(' and ')} into ${configFile}`] : []),
    ...(hasSecrets ? ['cp .env.example .env, and fill it in'] : []),
    ...(github ? ['set the secrets and variables that the first lines of the workflow name'] : []),
    'jiji deploy',
  ]
  output.note(`\nnext: ${steps.join('\n      ')}`)
}
