# What a build with CUDA adds: the language, the architectures, the libraries.

# CMake looks for nvcc in PATH and $CUDACXX only; the toolkit's installer puts it in neither.
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(CMAKE_CUDA_COMPILER nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
  if(NOT CMAKE_CUDA_COMPILER)
    message(FATAL_ERROR "TANDEM_CUDA: no nvcc in PATH, $CUDACXX, $CUDA_HOME/bin or /usr/local/cuda/bin; "
      "install the CUDA toolkit (12.4 or newer), or build without TANDEM_CUDA")
  endif()
endif()
# Machine code for Ampere, Ada and Hopper, and PTX for what comes later.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80-real 86-real 89-real 90)
endif()
enable_language(CUDA)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.4)
  message(FATAL_ERROR "TANDEM_CUDA: nvcc ${CMAKE_CUDA_COMPILER_VERSION}, expected 12.4 or newer")
endif()
# CMake before 3.26 does not know how to ask nvcc for C++20.
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)

find_package(CUDAToolkit REQUIRED)
find_package(CuBlasLt REQUIRED)
find_package(CuDnn REQUIRED)

# -Wpedantic would warn about the line directives that nvcc itself writes.
target_compile_options(tandem_options INTERFACE
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wshadow,-Wnon-virtual-dtor,-Woverloaded-virtual
    $<$<BOOL:${TANDEM_WERROR}>:-Werror=all-warnings -Xcompiler=-Werror>>)
