# frozen_string_literal: true

# Lambda's Ruby runtime: takes invocations from the Runtime API, calls the handler, sends back what it answers.
#
# It runs inside the sandbox and stands alone. It behaves as AWS's own (https://docs.aws.amazon.com/lambda/latest/dg/lambda-ruby.html)
# and speaks HTTP over an inherited socket where the region gives one, and over AWS_LAMBDA_RUNTIME_API otherwise.

# What AWS's own has loaded before any function, so that functions find it without asking.
require 'json'
require 'logger'
require 'stringio'
autoload :Net, 'net/http'

$stdout.sync = true

# https://docs.aws.amazon.com/lambda/latest/dg/ruby-context.html
class LambdaContext
  attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name, :memory_limit_in_mb,
              :function_version, :identity, :client_context, :deadline_ms

  def initialize(headers)
    @aws_request_id = headers['lambda-runtime-aws-request-id']
    @invoked_function_arn = headers['lambda-runtime-invoked-function-arn']
    @deadline_ms = headers['lambda-runtime-deadline-ms'].to_i
    @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
    @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
    @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
    @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
    @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
    @identity = parsed(headers['lambda-runtime-cognito-identity'])
    @client_context = parsed(headers['lambda-runtime-client-context'])
    # The region's clock may stand still or jump, so what is left is counted from now on this machine's.
    left = headers['windtunnel-remaining-ms']
    left = left ? left.to_i : @deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond)
    @ends = now + left
  end

  def get_remaining_time_in_millis
    [@ends - now, 0].max
  end

  private

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC, :millisecond)
  end

  def parsed(text)
    JSON.parse(text) if text
  end
end

module Windtunnel
  API = '/2018-06-01/runtime'
  NEXT = "GET #{API}/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n"
  EVENT_NEWLINE = "\x1e\r" # a line break inside one log event; the region turns it back
  TRACE_MAX = 100
  INVALID_HANDLER =
    'Invalid handler %s, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD where FILENAME corresponds with an existing Ruby ' \
    'source file FILENAME.rb, CLASS is an optional module/class namespace and METHOD is a callable method. If using CLASS, METHOD ' \
    'must be a class-level method.'

  class << self
    attr_accessor :request_id

    def utf8(text)
      text.to_s.encode('UTF-8', invalid: :replace, undef: :replace).scrub
    end
  end

  # Takes texts, each of which is one event of the log. Loggers write to it as well.
  module Log
    def self.write(text)
      STDOUT.write("#{Windtunnel.utf8(text).chomp.gsub("\n", EVENT_NEWLINE)}\n")
    end

    def self.close; end
  end

  # Loggers of stdout and stderr name the request, and write JSON at the level that the function's configuration asks for.
  module Logging
    def initialize(device = nil, *rest, **options)
      return super unless device.nil? || device == $stdout || device == $stderr

      level = ENV.fetch('AWS_LAMBDA_LOG_LEVEL', 'DEBUG').sub('TRACE', 'DEBUG')
      formatter = ENV['AWS_LAMBDA_LOG_FORMAT'] == 'JSON' ? JsonFormatter.new : TextFormatter.new
      super(Log, *rest, level: level, formatter: formatter, **options)
    end

    class TextFormatter < Logger::Formatter
      def call(severity, time, progname, message)
        stamp = "#{severity[0]}, [#{format_datetime(time)} ##{Process.pid}]"
        "#{stamp} #{severity.rjust(5)} #{Windtunnel.request_id} -- #{progname}: #{msg2str(message)}\n"
      end
    end

    class JsonFormatter < Logger::Formatter
      def call(severity, time, progname, message)
        line = { timestamp: time.utc.strftime('%Y-%m-%dT%H:%M:%S.%6NZ'), level: severity, requestId: Windtunnel.request_id, logger: progname }
        line.update(message.is_a?(Exception) ? error(message) : { message: Windtunnel.utf8(msg2str(message)) })
        "#{JSON.generate(line.compact)}\n"
      end

      private

      def error(raised)
        text = Windtunnel.utf8(raised.message)
        trace = (raised.backtrace || []).map { |line| Windtunnel.utf8(line) }
        file, line, method = trace.first&.match(/\A(.+):(\d+):in [`'](.+)'\z/)&.captures
        place = file ? "#{file}:#{method}:#{line}" : trace.first
        { message: text, errorType: raised.class.to_s, errorMessage: text, stackTrace: trace, location: place }
      end
    end
  end

  # The connection to the region.
  class Connection
    def initialize
      if (inherited = ENV.delete('WINDTUNNEL_RUNTIME_FD'))
        @socket = IO.for_fd(inherited.to_i, 'r+b')
      else
        require 'socket'
        host, port = ENV.fetch('AWS_LAMBDA_RUNTIME_API').split(':')
        @socket = TCPSocket.new(host, port)
      end
      @socket.close_on_exec = true
      @socket.sync = true
    end

    def send(data)
      @socket.write(data)
    end

    # One response: its headers and its body.
    def receive
      head = @socket.gets("\r\n\r\n") || exit!(0) # the region is gone
      headers = head.split("\r\n").drop(1).to_h { |line| line.split(': ', 2).then { |name, value| [name.downcase, value.to_s] } }
      [headers, @socket.read(headers['content-length'].to_i).to_s.force_encoding(Encoding::UTF_8)]
    end
  end

  # A handler: FILENAME.METHOD or FILENAME.CLASS.METHOD.
  class Handler
    def initialize(name)
      parts = name.split('.')
      raise ArgumentError, format(INVALID_HANDLER, parts) unless [2, 3].include?(parts.size)

      file, *@place, @method = parts
      require file
    end

    def call(event, context)
      target = @place.empty? ? TOPLEVEL_BINDING.receiver : Kernel.const_get(@place.first)
      answer = target.__send__(@method, event: event, context: context)
      return [answer.read, 'application/unknown'] if answer.is_a?(StringIO) || answer.is_a?(IO)

      [answer.to_json, 'application/json']
    end
  end

  module_function

  def post(path, body, type, headers = '')
    "POST #{API}#{path} HTTP/1.1\r\nHost: runtime\r\nContent-Type: #{type}\r\n#{headers}Content-Length: #{body.bytesize}\r\n\r\n".b + body.b
  end

  # The request that reports an error, which is logged as well. One that ends the process says so, that nothing more is sent to it.
  def failure(path, phase, error, title, last:)
    kind = "#{phase}<#{error.class}>"
    trace = (error.backtrace_locations || []).first(TRACE_MAX).take_while { |line| line.absolute_path != __FILE__ }.map(&:to_s)
    shape = { errorMessage: utf8(error.message), errorType: kind, stackTrace: trace }
    Log.write(title)
    Log.write(JSON.pretty_generate(shape))
    post(path, JSON.generate(shape), 'application/json',
         "Lambda-Runtime-Function-Error-Type: #{kind}\r\n#{"Windtunnel-Last: 1\r\n" if last}")
  end

  # Runs the handler once; the request that reports what came of it, and whether the process ends then: a name that is not there, and
  # what is no StandardError, are the end of a process in AWS too.
  def answer(handler, headers, body)
    context = LambdaContext.new(headers)
    ENV['_X_AMZN_TRACE_ID'] = headers['lambda-runtime-trace-id'] if headers['lambda-runtime-trace-id']
    path = "/invocation/#{context.aws_request_id}"
    [post("#{path}/response", *handler.call(JSON.parse(body), context)), false]
  rescue Exception => e # rubocop:disable Lint/RescueException
    last = e.is_a?(NameError) || !e.is_a?(StandardError)
    [failure("#{path}/error", 'Function', e, last ? 'Critical exception from handler' : 'Error raised from handler method', last: last), last]
  end

  def main
    connection = Connection.new
    Logger.prepend(Logging)
    task = ENV.fetch('LAMBDA_TASK_ROOT')
    $LOAD_PATH.unshift(task) unless $LOAD_PATH.include?(task)
    begin
      handler = Handler.new(ENV.fetch('_HANDLER'))
    rescue Exception => e # rubocop:disable Lint/RescueException
      connection.send(failure('/init/error', 'Init', e, "Init error when loading handler #{ENV.fetch('_HANDLER')}", last: true))
      connection.receive
      exit!(1)
    end
    connection.send(NEXT)
    loop do
      headers, body = connection.receive
      self.request_id = headers['lambda-runtime-aws-request-id']
      report, last = answer(handler, headers, body)
      $stdout.flush
      connection.send(last ? report : report + NEXT) # both at once: the region sees the answer and the readiness in one turn
      connection.receive
      exit!(1) if last
    end
  end
end

module Kernel
  # Lines that are printed together are one event.
  def puts(*values)
    Windtunnel::Log.write(values.flatten.join("\n"))
  end
end

Windtunnel.main
