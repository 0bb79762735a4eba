// DATA/quarantine: copies of damaged bytes and segments set aside, for whoever wants to look at them. Nothing reads it.
#pragma once

#include <string>

#include "base/files.h"
#include "store/engine/segment.h"
#include "store/segment/frame_walker.h"

namespace telltale::store {

// Copies the range to quarantine/<segment>-<offset>.bytes; a copy that is there already stays.
base::Status copy_damage(base::Files& files, const std::string& folder, const Segment& segment, const DamagedRange& range);
// Moves the whole file to quarantine/<segment>.
base::Status set_aside(base::Files& files, const std::string& folder, const Segment& segment);

}  // namespace telltale::store
