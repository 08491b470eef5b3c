import { JijiError } from '../errors.ts'
import { giveBack } from './ask-line.ts'

/**
 * Asks on a terminal without echo. Ctrl-C and Ctrl-D give up; backspace and Ctrl-U take back. What is typed beyond the line
 * stays for what is asked next.
 */
export function askSecret(stdin: NodeJS.ReadStream, stderr: NodeJS.WriteStream, question: string): Promise<string> {
  stdin.setRawMode(true) // first: somebody may answer before the question is read to its end
  stderr.write(question)
  stdin.setEncoding('utf8')
  return new Promise<string>((resolve, reject) => {
    let answer = ''
    const end = (settle: () => void) => {
      stdin.off('data', onData)
      stdin.off('end', onEnd)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
      settle()
    }
    const giveUp = () => end(() => reject(new JijiError('interrupted', 'nothing was changed')))
    const onEnd = () => giveUp()
    const onData = (text: string) => {
      let read = 0
      for (const key of text) {
        read += key.length
        if (key === '\r' || key === '\n') {
          end(() => resolve(answer))
          return giveBack(stdin, text.slice(read))
        }
        if (key === '\u0003' || (key === '\u0004' && answer === '')) return giveUp()
        if (key === '\u007f' || key === '\b') answer = [...answer].slice(0, -1).join('')
        else if (key === '\u0015') answer = ''
        else if (key >= ' ') answer += key
      }
    }
    stdin.on('data', onData)
    stdin.on('end', onEnd)
    stdin.resume()
  })
}
