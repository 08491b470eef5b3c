import type { ClientChannel } from 'ssh2'
import { commandLine } from '../shell/command-line.ts'
import type { Script } from '../shell/script.ts'
import { reasonOf, whenAborted } from './abort.ts'
import { exitOf } from './exit.ts'
import type { Link } from './link.ts'
import { isLost, lostError } from './lost.ts'
import type { Terminal } from './runner.ts'
import { noSession } from './sessions.ts'

/** Runs a script in a session with a terminal, which is this one for as long as it runs, whatever happens. */
export async function attachOver(link: Link, script: Script, terminal: Terminal, signal: AbortSignal): Promise<number> {
  if (signal.aborted) throw reasonOf(signal)
  const channel = await openTerminal(link, script, terminal)
  const over = new AbortController()
  const closed = new Promise(resolve => channel.on('close', resolve))
  const exited = exitOf(channel, link)
  whenAborted(signal, () => channel.close(), over.signal)
  const giveBack = lend(terminal, channel)
  try {
    const code = await exited
    await closed
    if (signal.aborted) throw reasonOf(signal) // what is hung up on ends as well
    return code
  } catch (error) {
    throw signal.aborted ? reasonOf(signal) : error
  } finally {
    over.abort()
    giveBack()
  }
}

function openTerminal(link: Link, script: Script, { output, name }: Terminal): Promise<ClientChannel> {
  const pty = { term: name, cols: output.columns, rows: output.rows, width: 0, height: 0 }
  return new Promise((resolve, reject) => {
    link.client.exec(commandLine(script), { pty }, (error, channel) => {
      if (!error) resolve(channel)
      else reject(isLost(link, error) ? lostError(link, 'before a command could run', error) : noSession(link, error))
    })
  })
}

/** Every key goes there as it is, Ctrl-C too, and every byte comes here, until the terminal is given back. */
function lend({ input, output }: Terminal, channel: ClientChannel): () => void {
  const onKeys = (keys: Buffer) => void channel.write(keys)
  const onResize = () => channel.setWindow(output.rows, output.columns, 0, 0)
  channel.on('data', (bytes: Buffer) => void output.write(bytes))
  channel.stderr.resume()
  channel.on('error', () => {})
  input.on('data', onKeys)
  output.on('resize', onResize)
  input.setRawMode(true)
  input.resume()
  return () => {
    input.setRawMode(false)
    input.pause()
    input.off('data', onKeys)
    output.off('resize', onResize)
  }
}
