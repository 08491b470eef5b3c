import type { Engine } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { exits } from '../shell/engine.ts'
import type { Output } from './runner.ts'

/** What a script's exit status means when it is one of the engine's, whatever the script was for. */
export function engineFailure({ server }: { server: string }, engine: Engine, output: Output): JijiError | undefined {
  switch (output.code) {
    case exits.engineMissing:
      return new JijiError('engine.missing', `${server}: ${engine} is not installed`, {
        server,
        hint:
          server === 'here' // this machine, which is no server
            ? `install ${engine} here, or ${otherEngine(server)}`
            : `jiji server init -H ${server} installs it; or ${otherEngine(server)}`,
      })
    case exits.engineDenied:
      return new JijiError('engine.denied', `${server}: this user may not use ${engine}`, {
        server,
        hint: 'add the user to the group docker there (sudo usermod -aG docker USER), then log in anew',
      })
    case exits.otherEngine:
      return engineChanged(server, engine, output)
    case exits.noLinger: {
      const [, user = 'USER'] = /^linger (.+)$/m.exec(output.stdout) ?? []
      const message = `${server}: containers of ${user} would end with its last session, and it may not change that itself`
      return new JijiError('engine.denied', `${message}: ${lastLine(output.stderr)}`, {
        server,
        hint: `let them stay there: sudo loginctl enable-linger ${user}`,
      })
    }
    case exits.engineSilent:
      return new JijiError('engine.failed', `${server}: ${engine} does not answer: ${lastLine(output.stderr)}`, {
        server,
        hint:
          engine === 'docker'
            ? `is its daemon running? sudo systemctl status docker; or ${otherEngine(server)}`
            : `try \`podman info\` there`,
      })
  }
}

function engineChanged(server: string, engine: Engine, { stdout }: Output): JijiError {
  const [, other = '', count] = /^elsewhere (\w+) ?(\d*)$/m.exec(stdout) ?? []
  const teardown = `jiji server teardown -H ${server}`
  if (!count)
    return new JijiError(
      'engine.changed',
      `${server}: ${other} ran this project and does not answer, and ${engine} is configured`,
      {
        server,
        hint: `start ${other} there, and with engine: ${other} configured again, ${teardown} takes away what it has; if it is gone for good, remove its command too`,
      },
    )
  const what = count === '1' ? 'a container' : `${count} containers`
  return new JijiError(
    'engine.changed',
    `${server}: ${other} has ${what} of this project, and ${engine} is configured`,
    {
      server,
      hint: `with engine: ${other} configured again, ${teardown} takes them away (not their volumes, which ${engine} does not see); then deploy with ${engine}`,
    },
  )
}

function otherEngine(server: string): string {
  return server === 'here'
    ? 'name the engine that is here: builder.engine'
    : `name the engine it has: servers.${server}.engine`
}

/** The engine's own words: the last line that it wrote to stderr, but for its advice on where its help is. */
export function lastLine(text: string): string {
  const lines = text.split('\n').filter(line => line.trim() !== '' && !/^(Run|See) '/.test(line))
  return lines.at(-1)?.trim() ?? 'without a word'
}
