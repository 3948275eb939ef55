#include "weights/torch/pickle.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "core/base/utf8.h"
#include "weights/content.h"

namespace tandem::pickle {
namespace {

constexpr std::size_t kMostValues = 1'000'000;
constexpr std::size_t kLongestName = 1024;
constexpr int kHighestProtocol = 5;

}  // namespace

std::string describe(const Value& value) {
  struct Describe {
    std::string operator()(None) const { return "None"; }
    std::string operator()(bool) const { return "a boolean"; }
    std::string operator()(std::int64_t) const { return "an integer"; }
    std::string operator()(double) const { return "a number"; }
    std::string operator()(const Text&) const { return "a string"; }
    std::string operator()(const Bytes&) const { return "bytes"; }
    std::string operator()(const BigInteger&) const { return "a large integer"; }
    std::string operator()(const List&) const { return "a list"; }
    std::string operator()(const Tuple&) const { return "a tuple"; }
    std::string operator()(const Dict&) const { return "a dict"; }
    std::string operator()(const Global& global) const { return global.name; }
    std::string operator()(const Storage&) const { return "a storage"; }
    std::string operator()(const TensorView&) const { return "a tensor"; }
    std::string operator()(const Opaque& opaque) const { return "an object of " + opaque.name; }
  };
  return std::visit(Describe{}, value.data);
}

/// One pickle's run: its stack and its memo.
class Execution {
 public:
  explicit Execution(PickleMachine& machine) : machine_(machine) {}

  const Value& run() {
    while (true) {
      const auto code = static_cast<unsigned char>(take(1)[0]);
      if (code == '.') break;
      if (!(push_atom(code) || push_sized(code) || build_container(code) || fill_container(code) || remember(code) ||
            import_or_call(code)))
        damaged("operation 0x{:02x}, which torch.save does not write", static_cast<unsigned>(code));
    }
    return pop();
  }

 private:
  template <class... Args>
  [[noreturn]] void damaged(fmt::format_string<Args...> format, Args&&... args) const {
    refuse_file(machine_.path_, "a pickle that is damaged, or that another program wrote: {}",
                fmt::format(format, std::forward<Args>(args)...));
  }

  // --- Bytes ---

  std::span<const std::byte> take(std::uint64_t count) {
    if (machine_.bytes_.size() - machine_.at_ < count) damaged("it ends in the middle");
    const auto taken = machine_.bytes_.subspan(machine_.at_, count);
    machine_.at_ += count;
    return taken;
  }
  template <class T>
  T take_number() {
    return read_number<T>(take(sizeof(T)), 0);
  }
  std::string take_text(std::uint64_t count) {
    const std::string_view text = text_of(take(count));
    if (!is_utf8(text)) damaged("a string that is not UTF-8");
    return std::string(text);
  }
  std::string take_line() {
    const std::string_view rest = text_of(machine_.bytes_.subspan(machine_.at_));
    const std::size_t end = rest.substr(0, kLongestName).find('\n');
    if (end == std::string_view::npos) damaged("a name without an end");
    std::string line = take_text(end);
    (void)take(1);
    return line;
  }

  // --- Stack ---

  Value& push(Value value) {
    if (machine_.values_.size() >= kMostValues) damaged("more than {} values", kMostValues);
    stack_.push_back(&machine_.values_.emplace_back(std::move(value)));
    return *stack_.back();
  }
  Value& top() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) damaged("it takes more values than it has");
    return *stack_.back();
  }
  Value& pop() {
    Value& value = top();
    stack_.pop_back();
    return value;
  }
  /// What was pushed since the last mark.
  std::vector<const Value*> pop_mark() {
    if (marks_.empty()) damaged("it takes a mark that it has not set");
    std::vector<const Value*> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  std::vector<const Value*> pop_several(std::size_t count) {
    std::vector<const Value*> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = &pop();
    return items;
  }

  // --- Operations: each function does one if it is of its kind ---

  bool push_atom(unsigned char code) {
    switch (code) {
      case 0x80:  // PROTO
        if (const auto protocol = take_number<std::uint8_t>(); protocol < 2 || protocol > kHighestProtocol)
          damaged("protocol {}, expected 2 to {}", protocol, kHighestProtocol);
        return true;
      case 0x95:  // FRAME: the length of what follows, which says nothing new
        (void)take_number<std::uint64_t>();
        return true;
      case 'N':
        push({None{}});
        return true;
      case 0x88:
      case 0x89:
        push({code == 0x88});
        return true;
      case 'J':
        push({std::int64_t{take_number<std::int32_t>()}});
        return true;
      case 'K':
        push({std::int64_t{take_number<std::uint8_t>()}});
        return true;
      case 'M':
        push({std::int64_t{take_number<std::uint16_t>()}});
        return true;
      case 'G': {  // big endian
        std::uint64_t bits = 0;
        for (const std::byte byte : take(sizeof(bits))) bits = bits << 8U | std::to_integer<std::uint64_t>(byte);
        push({std::bit_cast<double>(bits)});
        return true;
      }
      default:
        return false;
    }
  }

  bool push_sized(unsigned char code) {
    switch (code) {
      case 0x8A:
        push_integer(take(take_number<std::uint8_t>()));
        return true;
      case 0x8B:
        push_integer(take(take_number<std::uint32_t>()));
        return true;
      case 'X':
      case 'T':  // a Python 2 string
        push({Text{take_text(take_number<std::uint32_t>())}});
        return true;
      case 0x8C:
      case 'U':
        push({Text{take_text(take_number<std::uint8_t>())}});
        return true;
      case 0x8D:
        push({Text{take_text(take_number<std::uint64_t>())}});
        return true;
      case 'B':
        push({Bytes{take(take_number<std::uint32_t>())}});
        return true;
      case 'C':
        push({Bytes{take(take_number<std::uint8_t>())}});
        return true;
      case 0x8E:
      case 0x96:  // a bytearray
        push({Bytes{take(take_number<std::uint64_t>())}});
        return true;
      default:
        return false;
    }
  }

  void push_integer(std::span<const std::byte> bytes) {
    if (bytes.size() > sizeof(std::int64_t)) {
      push({BigInteger{bytes}});
      return;
    }
    const bool negative = !bytes.empty() && (bytes.back() & std::byte{0x80}) != std::byte{0};
    std::uint64_t bits = negative ? ~std::uint64_t{0} : 0;
    std::memcpy(&bits, bytes.data(), bytes.size());
    push({static_cast<std::int64_t>(bits)});
  }

  bool build_container(unsigned char code) {
    switch (code) {
      case '(':
        marks_.push_back(stack_.size());
        return true;
      case ']':
        push({List{}});
        return true;
      case '}':
        push({Dict{}});
        return true;
      case 0x8F:
        push({Opaque{"builtins.set"}});
        return true;
      case ')':
        push({Tuple{}});
        return true;
      case 't':
        push({Tuple{pop_mark()}});
        return true;
      case 'l':
        push({List{pop_mark()}});
        return true;
      case 0x91:
        (void)pop_mark();
        push({Opaque{"builtins.frozenset"}});
        return true;
      case 0x85:
      case 0x86:
      case 0x87:
        push({Tuple{pop_several(code - 0x84U)}});
        return true;
      default:
        return false;
    }
  }

  bool fill_container(unsigned char code) {
    switch (code) {
      case 'a':
        append(pop_several(1));
        return true;
      case 'e':
      case 0x90:  // of a set
        append(pop_mark());
        return true;
      case 's':
        set_items(pop_several(2));
        return true;
      case 'u':
        set_items(pop_mark());
        return true;
      case 'b': {  // an object's attributes, of which none is needed
        (void)pop();
        const Value& object = top();
        if (!object.as<Dict>() && !object.as<Opaque>()) damaged("it gives {} attributes", describe(object));
        return true;
      }
      case '0':
        (void)pop();
        return true;
      case '1':
        (void)pop_mark();
        return true;
      case '2':
        stack_.push_back(&top());
        return true;
      default:
        return false;
    }
  }

  void append(const std::vector<const Value*>& items) {
    Value& target = top();
    if (auto* list = std::get_if<List>(&target.data))
      list->items.insert(list->items.end(), items.begin(), items.end());
    else if (!target.as<Opaque>())
      damaged("it appends to {}", describe(target));
  }

  void set_items(const std::vector<const Value*>& items) {
    Value& target = top();
    if (items.size() % 2 != 0) damaged("a key without a value");
    if (auto* dict = std::get_if<Dict>(&target.data))
      for (std::size_t i = 0; i < items.size(); i += 2) dict->items.emplace_back(items[i], items[i + 1]);
    else if (!target.as<Opaque>())
      damaged("it sets items of {}", describe(target));
  }

  bool remember(unsigned char code) {
    switch (code) {
      case 'q':
        memo_[take_number<std::uint8_t>()] = &top();
        return true;
      case 'r':
        memo_[take_number<std::uint32_t>()] = &top();
        return true;
      case 0x94:
        memo_[static_cast<std::uint32_t>(memo_.size())] = &top();
        return true;
      case 'h':
        recall(take_number<std::uint8_t>());
        return true;
      case 'j':
        recall(take_number<std::uint32_t>());
        return true;
      default:
        return false;
    }
  }

  void recall(std::uint32_t number) {
    const auto found = memo_.find(number);
    if (found == memo_.end()) damaged("it recalls value {}, which it has not remembered", number);
    stack_.push_back(found->second);
  }

  bool import_or_call(unsigned char code) {
    switch (code) {
      case 'c': {
        const std::string module = take_line();
        import(module, take_line());
        return true;
      }
      case 0x93: {
        const auto names = pop_several(2);
        const auto *module = names[0]->as<Text>(), *name = names[1]->as<Text>();
        if (!module || !name) damaged("it imports {}", describe(*names[module ? 1 : 0]));
        import(module->text, name->text);
        return true;
      }
      case 'R':     // REDUCE
      case 0x81: {  // NEWOBJ
        const auto parts = pop_several(2);
        call(*parts[0], *parts[1]);
        return true;
      }
      case 0x92: {  // NEWOBJ_EX, with keywords
        const auto parts = pop_several(3);
        call(*parts[0], *parts[1]);
        return true;
      }
      case 'Q':
        push(machine_.meaning_.persistent(pop()));
        return true;
      default:
        return false;
    }
  }

  void import(const std::string& module, const std::string& name) {
    if (module.size() + name.size() > kLongestName) damaged("a name of {} bytes", module.size() + name.size());
    push(machine_.meaning_.import(module + "." + name));
  }

  void call(const Value& callable, const Value& arguments) {
    const auto* global = callable.as<Global>();
    const auto* tuple = arguments.as<Tuple>();
    if (!global || !tuple) damaged("it calls {} with {}", describe(callable), describe(arguments));
    push(machine_.meaning_.call(*global, tuple->items));
  }

  PickleMachine& machine_;
  std::vector<Value*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, Value*> memo_;
};

const Value& PickleMachine::read() { return Execution(*this).run(); }

}  // namespace tandem::pickle
