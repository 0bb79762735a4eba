require 'logger'

def load(id)
  raise KeyError, "no order #{id}"
end

def answer(id)
  load(id)
rescue KeyError
  raise ArgumentError, 'cannot answer'
end

log = Logger.new($stderr)
log.info('start')
begin
  answer(1)
rescue ArgumentError => e
  log.error(e)
end
log.warn('between')
$stderr.puts 'a line without time'
answer(2)
