import { fitName } from '../config/import/names.ts'
import type { Answers, Facts } from '../config/propose/facts.ts'
import { proposeRegistry } from '../config/propose/registry.ts'
import { proposeServers } from '../config/propose/servers.ts'
import { JijiError } from '../errors.ts'
import type { Context } from './context.ts'
import { otherConfig } from './look.ts'
import { readSource, type Source } from './translate.ts'

/** Options that have nothing to say beside others. */
export function refuseConflicts({ options }: Context): void {
  const given = ['name', 'server', 'domain', 'port', 'registry', 'from', 'github'].filter(name => options.flag(name))
  const other = given.find(name => name !== 'name')
  if (options.flag('full') && other)
    throw new JijiError('usage', `--full and --${other} exclude each other`, {
      hint: '--full writes every key with an example; leave it out to have your own values',
    })
  if (options.flag('from') && options.flag('port'))
    throw new JijiError('usage', '--from and --port exclude each other', { hint: 'the ports are those of the file' })
}

/** What is not said with an option is asked on a terminal, and has an answer that is good without one. */
export async function gatherAnswers(
  context: Context,
  facts: Facts,
): Promise<{ source: Source | undefined; answers: Answers }> {
  const { directory, options, output } = context
  const from = options.text('from')
  const given: Answers = {
    name: options.text('name'),
    servers: options.list('server')?.flatMap(one => one.split(',')) ?? [],
    domain: options.text('domain'),
    port: options.text('port'),
    registry: options.text('registry') ?? (options.flag('github') && facts.github ? 'ghcr.io' : undefined),
  }
  check(given)
  const found = from === undefined ? otherConfig(directory) : undefined
  const mayAsk = output.isInteractive && !options.flag('yes')
  if (!mayAsk && found !== undefined)
    output.note(`${found} is not read: jiji init --from ${found} makes a configuration of it`)
  const sourceOf = (file: string | undefined) => {
    const source = file === undefined ? undefined : readSource(directory, file)
    if (source?.kind === 'kamal') refuseAnswers(source, context)
    return source
  }
  if (!mayAsk) return { source: sourceOf(from), answers: given }
  const isTaken = found !== undefined && !/^n/i.test(await output.ask(`Make it of ${found}? [Y/n]`))
  const source = sourceOf(isTaken ? found : from)
  return { source, answers: source?.kind === 'kamal' ? given : await askRest(given, context) }
}

function refuseAnswers({ file }: Source, { options }: Context): void {
  const useless = ['server', 'domain', 'registry'].find(name => options.flag(name))
  if (useless)
    throw new JijiError('usage', `--${useless} is not for ${file}, which says it itself`, { hint: 'leave it out' })
}

async function askRest(given: Answers, { output, options }: Context): Promise<Answers> {
  const until = async (
    question: string,
    asAnswers: (answer: string) => Partial<Answers>,
  ): Promise<Partial<Answers>> => {
    for (;;) {
      const answer = await output.ask(question)
      try {
        const answers = answer === '' ? {} : asAnswers(answer)
        check({ ...given, ...answers })
        return answers
      } catch (error) {
        if (!(error instanceof JijiError)) throw error
        output.note(`  ${error.message}${error.hint ? `: ${error.hint}` : ''}`)
      }
    }
  }
  let answers = given
  if (given.servers.length === 0)
    answers = {
      ...answers,
      ...(await until('Server, as ssh takes it [later]:', servers => ({ servers: servers.split(/[,\s]+/) }))),
    }
  if (given.domain === undefined) answers = { ...answers, ...(await until('Domain [later]:', domain => ({ domain }))) }
  if (!options.flag('registry'))
    answers = {
      ...answers,
      ...(await until(`Registry, such as ghcr.io [${given.registry ?? 'none'}]:`, registry => ({ registry }))),
    }
  return answers
}

/** @throws JijiError when an answer cannot be one */
function check({ name, servers, domain, port, registry }: Answers): void {
  if (name !== undefined && fitName(name) === undefined)
    throw new JijiError('usage', `${JSON.stringify(name)} can be no name of a project`, {
      hint: 'write small letters and digits',
    })
  proposeServers(servers)
  proposeRegistry(registry, undefined)
  if (domain !== undefined && !/^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(domain))
    throw new JijiError('usage', `${JSON.stringify(domain)} is no domain`, { hint: 'write it as app.example.com' })
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536))
    throw new JijiError('usage', `${JSON.stringify(port)} is no port`, { hint: 'a number from 1 to 65535' })
}
