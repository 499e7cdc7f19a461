// The rules, each in a file of its own.
#pragma once

#include <memory>

#include "user/analyze/findings/rule.h"

namespace sockray {

std::unique_ptr<Rule> send_buffer_rule();           // "send-buffer"
std::unique_ptr<Rule> qdisc_rule();                 // "qdisc-drops"
std::unique_ptr<Rule> driver_rule();                // "stopped-queue", "driver-drops"
std::unique_ptr<Rule> frame_length_rule();          // "frame-length"
std::unique_ptr<Rule> copies_rule();                // "copies"
std::unique_ptr<Rule> single_calls_rule();          // "single-calls"
std::unique_ptr<Rule> tx_ring_rule();               // "tx-ring-full", "tx-ring-idle"
std::unique_ptr<Rule> ring_format_rule();           // "ring-format"
std::unique_ptr<Rule> one_thread_rule();            // "one-thread"
std::unique_ptr<Rule> one_queue_rule();             // "one-queue"
std::unique_ptr<Rule> softirq_rule();               // "softirq-tail", "receiver-inside"
std::unique_ptr<Rule> bypass_rule();                // "bypass"
std::unique_ptr<Rule> receives_all_rule();          // "receives-all"
std::unique_ptr<Rule> receiver_full_rule();         // "receiver-full"
std::unique_ptr<Rule> interface_rule();             // "interface-down", "interface-gone", "no-carrier"
std::unique_ptr<Rule> other_losses_rule();          // "other-losses"
std::unique_ptr<Rule> tracing_loss_rule();          // "tracing-loss"
std::unique_ptr<Rule> device_counters_rule();       // "device-counters"
std::unique_ptr<Rule> left_out_rule();              // "left-out-sends"
std::unique_ptr<Rule> incomplete_recording_rule();  // "incomplete-recording"

}  // namespace sockray
