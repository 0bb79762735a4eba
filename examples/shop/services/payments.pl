#!/usr/bin/perl
# The payment service: decides whether a card is charged and has it booked. Perl with HTTP::Daemon, a process a connection; logfmt on
# standard error.
#
# Environment: PAYMENTS_PORT, LEDGER_URL. POST /charges, GET /statements/CUSTOMER, GET /health.
use strict;
use warnings;

use HTTP::Daemon;
use HTTP::Response;
use HTTP::Tiny;
use JSON::PP;
use POSIX qw(strftime);
use Time::HiRes qw(time);

my $port   = $ENV{PAYMENTS_PORT} || 8602;
my $ledger = $ENV{LEDGER_URL}    || 'http://127.0.0.1:8603';
my $json   = JSON::PP->new->utf8->canonical;
my %known;    # of the request that is being handled

sub value {
    my ($text) = @_;
    return $text if $text =~ /\A[A-Za-z0-9_.:\/@+-]+\z/;
    $text =~ s/(["\\])/\\$1/g;
    return qq("$text");
}

# One line, written at once, so that lines of several processes never mix.
sub note {
    my ($level, $message, @fields) = @_;
    my $now  = time;
    my $line = sprintf 'ts=%s.%03dZ level=%s service=payments msg=%s', strftime('%Y-%m-%dT%H:%M:%S', gmtime $now), ($now - int $now) * 1000,
        $level, value($message);
    unshift @fields, map { $known{$_} ? ($_ => $known{$_}) : () } qw(trace_id span_id test_id);
    while (my ($key, $text) = splice @fields, 0, 2) { $line .= " $key=" . value($text) if defined $text }
    syswrite STDERR, "$line\n";
}

# W3C trace context: the caller's trace goes on, with a span of our own.
sub take_context {
    my ($request) = @_;
    my ($trace) = ($request->header('traceparent') // '') =~ /\A[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\z/;
    my $random = sub { join '', map { sprintf '%02x', int rand 256 } 1 .. $_[0] };
    %known = (
        trace_id => $trace // $random->(16),
        span_id  => $random->(8),
        test_id  => $request->header('x-test-id'),
        baggage  => $request->header('baggage')
    );
}

sub call {
    my ($method, $path, $body) = @_;
    my %headers = ('content-type' => 'application/json', traceparent => "00-$known{trace_id}-$known{span_id}-01");
    $headers{baggage}     = $known{baggage} if $known{baggage};
    $headers{'x-test-id'} = $known{test_id} if $known{test_id};
    my %options = (headers => \%headers);
    $options{content} = $json->encode($body) if $body;
    my $answer = HTTP::Tiny->new(timeout => 10)->request($method, "$ledger$path", \%options);
    return ($answer->{status}, eval { $json->decode($answer->{content}) } // { reason => $answer->{reason} });
}

sub charge {
    my ($request) = @_;
    my $order = eval { $json->decode($request->content) } or return (400, { reason => 'the body is no JSON' });
    # A card number in a log is the kind of mistake that redaction is there for.
    note('info', 'charge received', order => $order->{id}, customer => $order->{customer}, card_number => $order->{card}, cents => $order->{cents});
    if (($order->{card} // '') =~ /0002\z/) {
        note('warn', 'card was declined', order => $order->{id});
        return (402, { reason => 'card declined' });
    }
    my ($status, $booked) =
        call('POST', '/entries', { account => $order->{customer}, cents => $order->{cents}, currency => $order->{currency}, order => $order->{id} });
    if ($status == 201) {
        note('info', 'charge booked', order => $order->{id}, booking => $booked->{id});
        return (201, { booking => $booked->{id} });
    }
    note($status == 503 ? 'warn' : 'error', 'ledger did not book the charge', order => $order->{id}, status => $status, reason => $booked->{reason});
    return ($status == 503 ? 503 : 502, { reason => "ledger answered $status" });
}

sub answer {
    my ($request) = @_;
    my $path = $request->uri->path;
    return (200, { status => 'ok' }) if $path eq '/health';
    return charge($request) if $request->method eq 'POST' && $path eq '/charges';
    return call('GET', "/accounts/$1") if $request->method eq 'GET' && $path =~ m{\A/statements/([^/]+)\z};
    return (404, { reason => "nothing at $path" });
}

sub serve {
    my ($connection) = @_;
    srand;    # another sequence in each process
    while (my $request = $connection->get_request) {
        take_context($request);
        my $started = time;
        my ($status, $body) = answer($request);
        note('info', $request->method . ' ' . $request->uri->path, status => $status, duration_ms => sprintf('%.1f', (time() - $started) * 1000))
            if $request->uri->path ne '/health';
        $connection->send_response(HTTP::Response->new($status, undef, ['Content-Type' => 'application/json'], $json->encode($body)));
    }
    $connection->close;
}

my $daemon = HTTP::Daemon->new(LocalAddr => '127.0.0.1', LocalPort => $port, ReuseAddr => 1, Listen => 64)
    or do { note('error', "cannot listen on 127.0.0.1:$port: $!"); exit 1 };
$SIG{CHLD} = 'IGNORE';
$SIG{$_} = sub { note('info', "$_[0]: closing"); exit 0 } for qw(INT TERM);
note('info', "listening on 127.0.0.1:$port", pid => $$);
while (1) {
    my $connection = $daemon->accept or next;    # a signal came first
    my $child = fork;
    if (!defined $child) {
        note('error', "no process for a connection: $!");
    }
    elsif ($child == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM);
        serve($connection);
        exit 0;
    }
    $connection->close;
}
