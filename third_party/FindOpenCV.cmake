# Defines opencv_core, opencv_imgcodecs and OpenCV_INCLUDE_DIRS (OpenCV 4, Apache-2.0). The
# distribution's own CMake package comes with libopencv-dev only, which drags in every module of OpenCV: 200
# packages more than these two need.
find_path(OpenCV_INCLUDE_DIRS opencv2/imgcodecs.hpp PATH_SUFFIXES opencv4)
set(OpenCV_VARIABLES OpenCV_INCLUDE_DIRS)
foreach(module core imgcodecs)
  find_library(OpenCV_${module}_LIBRARY opencv_${module})
  list(APPEND OpenCV_VARIABLES OpenCV_${module}_LIBRARY)
endforeach()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCV REQUIRED_VARS ${OpenCV_VARIABLES}
  REASON_FAILURE_MESSAGE "install libopencv-imgcodecs-dev, run scripts/install-deps.sh, or build with -DTANDEM_OPENCV=OFF")
if(OpenCV_FOUND)
  foreach(module core imgcodecs)
    if(NOT TARGET opencv_${module})
      add_library(opencv_${module} UNKNOWN IMPORTED)
      set_target_properties(opencv_${module} PROPERTIES IMPORTED_LOCATION ${OpenCV_${module}_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${OpenCV_INCLUDE_DIRS})
    endif()
  endforeach()
endif()
mark_as_advanced(${OpenCV_VARIABLES})
