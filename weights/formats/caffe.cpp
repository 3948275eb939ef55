// .caffemodel: a protobuf message NetParameter.

#include "weights/caffe/net.h"
#include "weights/content.h"
#include "weights/formats/formats.h"

namespace tandem {

bool is_caffe(std::string_view beginning) {
  // The first field: name, input, layers, or layer, each of them a key and a length.
  for (const std::string_view key : {"\x0a", "\x1a", "\x12", "\xa2\x06"})
    if (beginning.starts_with(key)) return true;
  return false;
}

WeightsFile read_caffe(const std::filesystem::path& path) {
  const auto net = read_caffe_model(path);
  WeightsFile file;
  file.format = "Caffe";
  if (net->has_name()) file.metadata["name"] = printable(net->name());
  for (const caffe::LayerParameter& layer : net->layer())
    for (int i = 0; i < layer.blobs_size(); ++i)
      file.entries.push_back(blob_entry(path, layer.name(), i, layer.blobs(i)));
  file.owners.push_back(net);
  return file;
}

}  // namespace tandem
